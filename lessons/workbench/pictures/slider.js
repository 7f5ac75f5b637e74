// Turns each row of pictures that waits for it into a slider that leafs through all of them.
// It needs no kernel: a notebook that was saved, reopened or exported still has it.
for (const figure of document.querySelectorAll("figure.course-slider[data-frames]")) {
  const { name, labels, frames, start, width } = JSON.parse(figure.dataset.frames);
  delete figure.dataset.frames; // once
  const caption = figure.querySelector("figcaption");
  const picture = document.createElement("img");
  const handle = document.createElement("input");
  const value = document.createElement("div");
  const wide = `display: block; box-sizing: border-box; width: min(100%, ${width}px)`;
  picture.style.cssText = `${wide}; image-rendering: pixelated`;
  handle.style.cssText = `${wide}; margin: 2px 0 6px`;
  value.style.cssText = "font-variant-numeric: tabular-nums";
  value.setAttribute("aria-hidden", "true"); // the handle says it, too
  Object.assign(handle, { type: "range", min: 0, max: frames.length - 1, value: start });
  handle.setAttribute("aria-label", name);
  handle.dataset.lmSuppressShortcuts = "true"; // arrow keys are for the handle, not the notebook
  const turn = () => {
    const label = labels[handle.value];
    picture.src = frames[handle.value];
    picture.alt = label;
    value.textContent = label;
    handle.setAttribute("aria-valuetext", label);
  };
  handle.addEventListener("input", turn);
  turn();
  figure.replaceChildren(value, handle, picture, caption);
}
