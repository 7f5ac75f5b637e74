// A small canvas for the notebook: draw in colours on paper, or paint a mask over a picture.
// What is on it goes back to Python as a PNG after every stroke.

const SIDE = 256; // pixels of the canvas; 4 of them are one of the 64-pixel picture
const PAINT = "#ff2d78"; // the colour a mask is shown in
const KEPT_STEPS = 30;
const STEP = 4; // an arrow key moves the pen so far, and eight times so far with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function button(label, title, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.title = title;
  made.setAttribute("aria-label", title);
  made.addEventListener("click", onClick);
  return made;
}

function part(name, text = "") {
  const made = document.createElement("div");
  made.className = name;
  made.textContent = text;
  return made;
}

function choose(group, chosen) {
  for (const one of group) one.setAttribute("aria-pressed", String(one === chosen));
}

function makeSheet(model, isMask) {
  const sheet = part("course-sheet");
  const faint = part("course-faint");
  const canvas = document.createElement("canvas");
  const cursor = part("course-cursor");
  if (isMask) sheet.style.backgroundImage = `url(${model.get("background")})`;
  else sheet.style.backgroundColor = model.get("paper");
  faint.style.backgroundImage = `url(${model.get("faint")})`;
  canvas.width = canvas.height = SIDE;
  canvas.tabIndex = 0;
  canvas.dataset.lmSuppressShortcuts = "true"; // keys are for the pen, not for the notebook
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", model.get("label"));
  canvas.style.opacity = isMask ? 0.6 : 1;
  sheet.append(faint, canvas, cursor);
  return { sheet, faint, canvas, cursor };
}

function render({ model, el }) {
  const isMask = model.get("kind") === "mask";
  const { sheet, faint, canvas, cursor } = makeSheet(model, isMask);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.lineCap = pen.lineJoin = "round";

  let colour = isMask ? PAINT : model.get("colours")[0][1];
  let width = model.get("widths")[1];
  let erasing = false;
  let last = null; // where the pen is while it is down
  let spot = [SIDE / 2, SIDE / 2]; // where the keys have moved it
  const before = [];

  // "" is an empty sheet, on which what the lesson goes on with is to be seen
  function lay(png) {
    pen.globalCompositeOperation = "source-over";
    pen.clearRect(0, 0, SIDE, SIDE);
    faint.hidden = Boolean(png);
    if (!png) return;
    const earlier = new Image();
    earlier.onload = () => {
      pen.globalCompositeOperation = "source-over";
      pen.drawImage(earlier, 0, 0, SIDE, SIDE);
    };
    earlier.src = png;
  }
  function remember() {
    before.push(model.get("png"));
    if (before.length > KEPT_STEPS) before.shift();
  }
  function send(png) {
    model.set("png", png);
    model.save_changes();
  }
  function begin(point) {
    remember();
    if (!faint.hidden && !isMask) {
      pen.fillStyle = model.get("paper");
      pen.fillRect(0, 0, SIDE, SIDE);
    }
    faint.hidden = true;
    pen.globalCompositeOperation = erasing && isMask ? "destination-out" : "source-over";
    pen.strokeStyle = erasing && !isMask ? model.get("paper") : colour;
    pen.lineWidth = width;
    last = point;
    stroke(point);
  }
  function stroke(point) {
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...point);
    pen.stroke();
    last = spot = point;
    follow();
  }
  function end() {
    if (last !== null) send(canvas.toDataURL("image/png"));
    last = null;
    follow();
  }
  function follow() {
    cursor.style.left = `${(100 * spot[0]) / SIDE}%`;
    cursor.style.top = `${(100 * spot[1]) / SIDE}%`;
    cursor.dataset.down = String(last !== null);
  }
  function place(event) {
    const frame = canvas.getBoundingClientRect();
    const scale = SIDE / frame.width;
    return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
  }

  lay(model.get("png"));
  follow();
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId) && last !== null) stroke(place(event));
  });
  for (const over of ["pointerup", "pointercancel", "blur"]) canvas.addEventListener(over, end);
  canvas.addEventListener("keydown", (event) => {
    if (event.key === " ") last === null ? begin(spot) : end();
    else if (event.key === "Escape") end();
    else if (event.key in ARROWS) {
      const far = event.shiftKey ? 8 * STEP : STEP;
      const to = spot.map((x, i) => Math.min(SIDE, Math.max(0, x + far * ARROWS[event.key][i])));
      if (last === null) spot = to;
      else stroke(to);
      follow();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const tools = part("course-tools");
  const inks = [];
  function addInk(made, onChoice) {
    made.addEventListener(made.tagName === "INPUT" ? "input" : "click", () => {
      onChoice();
      choose(inks, made);
    });
    inks.push(made);
    tools.append(made);
  }
  if (isMask) {
    addInk(button("paint", "paint", () => {}), () => { erasing = false; });
  } else {
    for (const [name, one] of model.get("colours")) {
      const swatch = button("", name, () => {});
      swatch.className = "course-swatch";
      swatch.style.background = one;
      addInk(swatch, () => { colour = one; erasing = false; });
    }
    const any = document.createElement("input");
    any.type = "color";
    any.title = "any other colour";
    any.setAttribute("aria-label", "any other colour");
    addInk(any, () => { colour = any.value; erasing = false; });
  }
  addInk(button("erase", "erase", () => {}), () => { erasing = true; });
  choose(inks, inks[0]);

  const brushes = model.get("widths").map((one, number) => {
    const brush = button("●", `${["thin", "medium", "thick"][number]} brush`, () => {
      width = one;
      choose(brushes, brush);
    });
    brush.className = "course-brush";
    brush.style.fontSize = `${8 + 5 * number}px`;
    return brush;
  });
  choose(brushes, brushes[1]);
  tools.append(
    ...brushes,
    button("undo", "take back the last stroke", () => {
      if (!before.length) return;
      const png = before.pop();
      lay(png);
      send(png);
    }),
    button("clear", "start again", () => {
      remember();
      lay("");
      send("");
    }),
  );

  const keys = part(
    "course-keys",
    "Arrow keys move the pen, with Shift further; the space bar puts it down and lifts it.",
  );
  const note = part("course-note", model.get("note"));
  model.on("change:note", () => { note.textContent = model.get("note"); });
  const box = part("course-drawing");
  box.dataset.pad = model.get("pad");
  box.append(tools, sheet, keys, note);
  el.append(box);
}

export default { render };
