/** Markup of a page, as anybody may write it into a text. */
export const hostile = `<img src=x onerror=alert(1)> "'><script>alert(2)</script> {{7*7}} </textarea></title>`;
/** Its beginning as a page shows it. */
export const escaped = "&lt;img src=x onerror=alert(1)&gt;";

/** A tag without the values of its attributes, in which anything may stand. */
export const namesIn = (tag: string) => tag.replaceAll(/"[^"]*"/g, '""');
