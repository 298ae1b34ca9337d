import { z } from "zod";
import { maxBlocks, messageBlock, viewBlock, type Block, type Surface } from "./blocks.ts";
import { elementsOf, imagesOf } from "./walk.ts";
import { homeView, maxViewBytes, modalView, type AnyView } from "./views.ts";
import { slackWords } from "./words.ts";

/** What the workspace knows and a check may ask: without it, files are taken as there. */
export interface Facts {
  hasFile?: (file: { id: string } | { url: string }) => boolean;
}

/**
 * What Slack would say of these blocks on that surface, as in `errors` of its answer: one sentence
 * with a JSON pointer for each fault, none when they are good. Checked: kinds and fields (unknown
 * ones are faults), limits, unique ids, what may stand where, images that Slack could not fetch.
 */
export function checkBlocks(blocks: unknown, surface: Surface, facts: Facts = {}): string[] {
  const shape = surface === "message" ? messageBlock : viewBlock;
  const parsed = z.array(shape).max(maxBlocks[surface]).safeParse(blocks, { reportInput: true });
  if (!parsed.success) return slackWords(parsed.error, "/blocks");
  return [...blockRules(parsed.data, surface), ...imageRules(parsed.data, facts)];
}

/** As checkBlocks, of a whole view (modal or home tab). */
export function checkView(view: unknown, facts: Facts = {}): string[] {
  const isHome = typeof view === "object" && view !== null && "type" in view && view.type === "home";
  const parsed = (isHome ? homeView : modalView).safeParse(view, { reportInput: true });
  if (!parsed.success) return slackWords(parsed.error, "/view");
  const value: AnyView = parsed.data;
  const inside = [...blockRules(value.blocks, isHome ? "home" : "modal"), ...imageRules(value.blocks, facts)];
  return [...inside.map((line) => line.replace("[json-pointer:/blocks", "[json-pointer:/view/blocks")), ...viewRules(value)];
}

function viewRules(view: AnyView): string[] {
  const faults: string[] = [];
  if (view.type === "modal" && view.submit === undefined && view.blocks.some((block) => block.type === "input"))
    faults.push(at("`submit` is required when an input block is in the `blocks` array", "/view/submit"));
  const focused = elementsOf(view.blocks).filter(({ element }) => "focus_on_load" in element && element.focus_on_load === true);
  if (focused.length > 1) faults.push(at("only one element may have `focus_on_load` set", "/view/blocks"));
  if (Buffer.byteLength(JSON.stringify(view)) > maxViewBytes) faults.push(at("view is too large", "/view"));
  return faults;
}

function blockRules(blocks: Block[], surface: Surface): string[] {
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const [index, { block_id: id }] of blocks.entries()) {
    if (id !== undefined && seen.has(id)) faults.push(at(`\`block_id\` "${id}" already exists`, `/blocks/${index}/block_id`));
    if (id !== undefined) seen.add(id);
    const ids = elementsOf(blocks.slice(index, index + 1)).map(({ element }) =>
      "action_id" in element ? element.action_id : undefined,
    );
    const twice = ids.find((one, place) => one !== undefined && ids.indexOf(one) !== place);
    if (twice !== undefined) faults.push(at(`\`action_id\` "${twice}" already exists`, `/blocks/${index}/elements`));
  }
  if (surface === "message") {
    const markdown = blocks.reduce((sum, block) => sum + (block.type === "markdown" ? block.text.length : 0), 0);
    if (markdown > 12_000) faults.push(at("markdown text must be less than 12001 characters in total", "/blocks"));
    if (blocks.filter(({ type }) => type === "table").length > 1) faults.push(at("only one table is allowed", "/blocks"));
  }
  return faults;
}

/** Slack fetches images from its own machines: what only this machine or its network reaches is none. */
function imageRules(blocks: Block[], { hasFile }: Facts): string[] {
  return imagesOf(blocks).flatMap(({ image, pointer }) => {
    if (image.image_url !== undefined && isOutOfReach(image.image_url))
      return [at("downloading image failed", `${pointer}/image_url`)];
    if (image.slack_file !== undefined && hasFile?.(image.slack_file) === false)
      return [at("invalid slack file", `${pointer}/slack_file`)];
    return [];
  });
}

function isOutOfReach(address: string): boolean {
  const { hostname } = new URL(address);
  return /^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[::1\]|.*\.local$)/.test(hostname);
}

function at(sentence: string, pointer: string): string {
  return `${sentence} [json-pointer:${pointer}]`;
}
