import type { Block } from "./blocks.ts";
import type { Element, ImageElement } from "./elements.ts";

/** An element that a person can use, with its block. */
export interface Placed {
  element: Element;
  block: Block;
  index: number;
}

/** All elements of the blocks, in the order of reading. */
export function elementsOf(blocks: Block[]): Placed[] {
  return blocks.flatMap((block, index): Placed[] => {
    if (block.type === "actions") return block.elements.map((element) => ({ element, block, index }));
    if (block.type === "input") return [{ element: block.element, block, index }];
    if (block.type === "section" && block.accessory !== undefined) return [{ element: block.accessory, block, index }];
    return [];
  });
}

type Source = Pick<ImageElement, "image_url" | "slack_file">;

/** All images of the blocks, with the JSON pointer of each. */
export function imagesOf(blocks: Block[]): { image: Source; pointer: string }[] {
  return blocks.flatMap((block, index) => {
    const pointer = `/blocks/${index}`;
    if (block.type === "image") return [{ image: block, pointer }];
    if (block.type === "section" && block.accessory?.type === "image")
      return [{ image: block.accessory, pointer: `${pointer}/accessory` }];
    if (block.type === "context")
      return block.elements.flatMap((element, place) =>
        element.type === "image" ? [{ image: element, pointer: `${pointer}/elements/${place}` }] : [],
      );
    return [];
  });
}
