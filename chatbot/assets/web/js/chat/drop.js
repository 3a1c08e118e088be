// Files that are dropped anywhere on the page.

import { byId } from "../dom.js";

/** `take(files)` hears of files that were dropped. */
export function takeDrops(take) {
  const sign = byId("drop");
  let depth = 0;
  const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  const entered = (by) => (event) => {
    if (!hasFiles(event)) return;
    depth += by;
    sign.hidden = depth <= 0;
  };
  addEventListener("dragenter", entered(1));
  addEventListener("dragleave", entered(-1));
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    sign.hidden = true;
    take(event.dataTransfer.files);
  });
}
