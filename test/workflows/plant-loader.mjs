/** A webpack loader that plants changes into the workflows' code while it is bundled; its options are the edits. */
// oxlint-disable-next-line import/no-default-export -- webpack takes a loader so
export default function plant(source) {
  const { edits } = this.getOptions();
  const file = this.resourcePath.split("/").at(-1);
  return edits
    .filter((edit) => edit.file === file)
    .reduce((text, { find, put }) => {
      if (!text.includes(find))
        throw new Error(`${file} has no ${JSON.stringify(find)}: the planted change must follow the code.`);
      return text.replace(find, () => put);
    }, source);
}
