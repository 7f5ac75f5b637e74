// A small canvas for the notebook: draw in colours on paper, or paint a mask over a picture.
// What is on it goes back to Python as a PNG after every stroke.

const SIDE = 256; // pixels of the canvas; shown at twice the size of a 64-pixel picture's cell
const PAINT = "#ff2d78"; // the colour a mask is shown in
const KEPT_STEPS = 30;

function button(label, title, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.title = title;
  made.setAttribute("aria-label", title);
  made.addEventListener("click", onClick);
  return made;
}

function choose(group, chosen) {
  for (const one of group) one.setAttribute("aria-pressed", String(one === chosen));
}

function render({ model, el }) {
  const isMask = model.get("kind") === "mask";
  const box = document.createElement("div");
  box.className = "course-drawing";

  const sheet = document.createElement("div");
  sheet.className = "course-sheet";
  if (isMask) sheet.style.backgroundImage = `url(${model.get("background")})`;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", model.get("alt"));
  canvas.style.opacity = isMask ? 0.6 : 1;
  sheet.append(canvas);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.lineCap = pen.lineJoin = "round";

  let colour = isMask ? PAINT : model.get("colours")[0];
  let width = model.get("widths")[1];
  let erasing = false;
  const before = [];

  function wipe() {
    pen.globalCompositeOperation = "source-over";
    pen.clearRect(0, 0, SIDE, SIDE);
    if (!isMask) {
      pen.fillStyle = model.get("paper");
      pen.fillRect(0, 0, SIDE, SIDE);
    }
  }
  function remember() {
    before.push(pen.getImageData(0, 0, SIDE, SIDE));
    if (before.length > KEPT_STEPS) before.shift();
  }
  function send(drawn) {
    model.set("png", drawn ? canvas.toDataURL("image/png") : "");
    model.save_changes();
  }
  function place(event) {
    const frame = canvas.getBoundingClientRect();
    const scale = SIDE / frame.width;
    return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
  }

  wipe();
  if (model.get("png")) {
    const earlier = new Image();
    earlier.onload = () => pen.drawImage(earlier, 0, 0);
    earlier.src = model.get("png");
  }

  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    remember();
    pen.globalCompositeOperation = erasing && isMask ? "destination-out" : "source-over";
    pen.strokeStyle = erasing && !isMask ? model.get("paper") : colour;
    pen.lineWidth = width;
    last = place(event);
    stroke(last);
  });
  function stroke(point) {
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...point);
    pen.stroke();
    last = point;
  }
  canvas.addEventListener("pointermove", (event) => {
    if (last !== null) stroke(place(event));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (last !== null) send(true);
      last = null;
    });
  }

  const tools = document.createElement("div");
  tools.className = "course-tools";
  const inks = [];
  if (!isMask) {
    for (const one of model.get("colours")) {
      const swatch = button("", `colour ${one}`, () => {
        colour = one;
        erasing = false;
        choose(inks, swatch);
      });
      swatch.className = "course-swatch";
      swatch.style.background = one;
      inks.push(swatch);
    }
    const any = document.createElement("input");
    any.type = "color";
    any.title = "any other colour";
    any.setAttribute("aria-label", "any other colour");
    any.addEventListener("input", () => {
      colour = any.value;
      erasing = false;
      choose(inks, null);
    });
    tools.append(...inks, any);
  } else {
    inks.push(button("paint", "paint", () => { erasing = false; choose(inks, inks[0]); }));
    tools.append(inks[0]);
  }
  const eraser = button("erase", "erase", () => { erasing = true; choose(inks, eraser); });
  inks.push(eraser);
  tools.append(eraser);
  choose(inks, inks[0]);

  const brushes = model.get("widths").map((one, number) => {
    const brush = button("●", `brush ${number + 1} of ${model.get("widths").length}`, () => {
      width = one;
      choose(brushes, brush);
    });
    brush.className = "course-brush";
    brush.style.fontSize = `${8 + 5 * number}px`;
    return brush;
  });
  choose(brushes, brushes[1]);
  tools.append(...brushes);

  tools.append(
    button("undo", "take back the last stroke", () => {
      if (!before.length) return;
      pen.putImageData(before.pop(), 0, 0);
      send(before.length > 0);
    }),
    button("clear", "start again", () => {
      remember();
      wipe();
      send(false);
    }),
  );

  const note = document.createElement("div");
  note.className = "course-note";
  note.textContent = model.get("note");
  box.append(tools, sheet, note);
  el.append(box);
}

export default { render };
