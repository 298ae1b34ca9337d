import { html } from "hono/html";
import type { Block, InputBlock } from "../blocks/blocks.ts";
import type { ImageElement } from "../blocks/elements.ts";
import type { RichTextBlock, RichTextInline } from "../blocks/rich-text.ts";
import { slackDate } from "./dates.ts";
import { renderElement, textOf, type Placing } from "./elements.ts";
import { mrkdwn, nothing, plain, type Html, type Reader } from "./mrkdwn.ts";

/** What all blocks of a message or view have in common. */
export interface Drawing extends Pick<Placing, "reader" | "mark"> {
  /** At the field, by block id. */
  errors: Record<string, string>;
  /** Makes ids of the document unique. */
  prefix: string;
}

export function renderBlocks(blocks: Block[], drawing: Drawing): Html {
  return html`<div class="blocks">${blocks.map((block) => renderBlock(block, drawing))}</div>`;
}

function placed(block: Block, drawing: Drawing): Placing {
  const { reader, mark } = drawing;
  return { reader, mark, blockId: block.block_id ?? "", labelId: null, isLive: true, describedBy: null };
}

function image(source: Pick<ImageElement, "image_url" | "slack_file" | "alt_text">, kind: string): Html {
  const file = source.slack_file;
  const address = file === undefined ? (source.image_url ?? "") : "id" in file ? `/files/${file.id}/image` : file.url;
  return html`<img class="${kind}" src="${address}" alt="${source.alt_text}" />`;
}

function renderBlock(block: Block, drawing: Drawing): Html {
  const { reader } = drawing;
  const placing = placed(block, drawing);
  switch (block.type) {
    case "section":
      return html`<div class="block section">
        <div class="grow">
          ${block.text === undefined ? nothing : html`<div class="text">${textOf(block.text, reader)}</div>`}
          ${
            block.fields === undefined
              ? nothing
              : html`<div class="fields">${block.fields.map((field) => html`<div>${textOf(field, reader)}</div>`)}</div>`
          }
        </div>
        ${
          block.accessory === undefined
            ? nothing
            : block.accessory.type === "image"
              ? image(block.accessory, "thumb")
              : html`<div>${renderElement(block.accessory, placing)}</div>`
        }
      </div>`;
    case "divider":
      return html`<hr class="block" />`;
    case "header":
      return html`<h3 class="block header">${plain(block.text.text)}</h3>`;
    case "context":
      return html`<div class="block context">
        ${block.elements.map((element) =>
          element.type === "image" ? image(element, "icon") : html`<span>${textOf(element, reader)}</span>`,
        )}
      </div>`;
    case "actions":
      return html`<div class="block actions">${block.elements.map((element) => renderElement(element, placing))}</div>`;
    case "image":
      return html`<figure class="block">
        ${block.title === undefined ? nothing : html`<figcaption>${plain(block.title.text)}</figcaption>`} ${image(block, "wide")}
      </figure>`;
    case "input":
      return renderInput(block, drawing);
    case "markdown":
      return html`<div class="block markdown">${mrkdwn(block.text.replaceAll("**", "*"), reader)}</div>`;
    case "table":
      return table(block, reader);
    case "rich_text":
      return richText(block, reader);
  }
}

/** A labelled field of a form, with its hint and what is wrong with it. */
function renderInput(block: InputBlock, drawing: Drawing): Html {
  const blockId = block.block_id ?? "";
  const labelId = `${drawing.prefix}-${blockId}-label`;
  const errorId = `${drawing.prefix}-${blockId}-error`;
  const error = drawing.errors[blockId];
  const placing: Placing = {
    ...placed(block, drawing),
    labelId,
    isLive: block.dispatch_action === true,
    describedBy: error === undefined ? null : errorId,
  };
  return html`<div class="block input ${error === undefined ? "" : "wrong"}" data-input="${blockId}">
    <div class="label" id="${labelId}">
      ${plain(block.label.text)}${block.optional === true ? html` <small>(optional)</small>` : nothing}
    </div>
    ${renderElement(block.element, placing)}
    ${error === undefined ? nothing : html`<div class="error" role="alert" id="${errorId}">${plain(error)}</div>`}
    ${block.hint === undefined ? nothing : html`<div class="hint">${plain(block.hint.text)}</div>`}
  </div>`;
}

function table(block: Extract<Block, { type: "table" }>, reader: Reader): Html {
  const cell = (one: (typeof block.rows)[number][number]): Html =>
    one.type === "rich_text" ? richText(one, reader) : plain(one.text);
  const [head = [], ...rows] = block.rows;
  return html`<div class="block scroll">
    <table>
      <thead>
        <tr>
          ${head.map((one) => html`<th>${cell(one)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((one) => html`<td>${cell(one)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function richText(block: RichTextBlock, reader: Reader): Html {
  const line = (elements: RichTextInline[]) => html`${elements.map((element) => inline(element, reader))}`;
  return html`<div class="block">
    ${block.elements.map((part) => {
      if (part.type === "rich_text_list") {
        const items = part.elements.map((item) => html`<li>${line(item.elements)}</li>`);
        return part.style === "ordered"
          ? html`<ol>
              ${items}
            </ol>`
          : html`<ul>
              ${items}
            </ul>`;
      }
      if (part.type === "rich_text_quote") return html`<blockquote>${line(part.elements)}</blockquote>`;
      if (part.type === "rich_text_preformatted") return html`<pre>${line(part.elements)}</pre>`;
      return html`<div class="text">${line(part.elements)}</div>`;
    })}
  </div>`;
}

function inline(element: RichTextInline, reader: Reader): Html {
  const { style } = element;
  const text = inlineText(element, reader);
  if (style?.code === true) return html`<code>${text}</code>`;
  const bold = style?.bold === true ? html`<strong>${text}</strong>` : text;
  const italic = style?.italic === true ? html`<em>${bold}</em>` : bold;
  return style?.strike === true ? html`<s>${italic}</s>` : italic;
}

function inlineText(element: RichTextInline, reader: Reader): Html {
  switch (element.type) {
    case "text":
      return html`${element.text}`;
    case "link":
      return html`<a href="${element.url}" target="_blank" rel="noreferrer">${element.text ?? element.url}</a>`;
    case "user":
      return html`<span class="mention">@${reader.findUser(element.user_id)?.display_name ?? element.user_id}</span>`;
    case "channel":
      return html`<span class="mention">#${reader.findChannel(element.channel_id)?.name ?? element.channel_id}</span>`;
    case "emoji":
      return plain(`:${element.name}:`);
    case "date":
      return html`${slackDate(element.format, { seconds: element.timestamp, zone: reader.zone, now: reader.now })}`;
    case "broadcast":
      return html`<span class="mention">@${element.range}</span>`;
  }
}
