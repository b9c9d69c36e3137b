/* What one sees and does. Texts from the run are set as text, never as markup. */

const STEPS = 20; // of the truncation slider
const pictures = space.kind === "images";
const canvases = [], chosen = columns.map(() => null);
let made = { data: [], milliseconds: 0 }, items = [], wanted = 0, playing = 0;

/** An element with attributes and children; texts stay texts. */
function part(name, attributes = {}, ...children) {
  const one = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  one.append(...children);
  return one;
}

const seed = () => Math.min(4294967295, Math.max(0, Math.floor(Number(at("seed").value) || 0)));

/** Truncation as the network takes it: at the end of the slider it takes nothing away. */
function reach() {
  const step = Number(at("truncation").value);
  return about.truncation === "none" || step === STEPS ? about.whole : (about.top * step) / STEPS;
}

/** Make the samples that are asked for now, and show them; what is asked for meanwhile comes next. */
async function refresh() {
  if (wanted++) return;
  at("grid").setAttribute("aria-busy", "true");
  try {
    for (let served = 0; served < wanted;) {
      served = wanted;
      items = Array.from({ length: about.count }, (_, i) => sample(seed(), i, chosen));
      made = await make(items.map(({ z, row }) => ({ z, y: condition(row) })), reach());
      show();
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    failed(error);
  }
  wanted = 0;
  at("grid").setAttribute("aria-busy", "false");
}

/** Put what was made on the screen. */
function show() {
  if (pictures) canvases.forEach((canvas, i) => painted(canvas, seen(made.data, i)));
  else scatter(canvases[0], made.data, about.count);
  if (pictures) items.forEach(({ row }, i) => {
    const told = worded(row), tile = canvases[i].parentElement;
    tile.setAttribute("aria-label", `Sample ${i + 1}${told && `: ${told}`}`);
    if (told) tile.lastElementChild.textContent = told;
  });
  const each = made.milliseconds / about.count;
  at("status").textContent = `${about.count} samples in ${made.milliseconds.toFixed(0)} ms: ${each.toFixed(each < 10 ? 1 : 0)} ms each`;
}

function failed(error) {
  at("grid").setAttribute("aria-busy", "false");
  at("status").className = "alarm";
  at("status").textContent = `This browser could not run the generator: ${error.message ?? error}`;
}

// --- the stage and its controls

function stage() {
  at("grid").classList.add(pictures ? "pictures" : "points");
  if (!pictures) {
    canvases.push(part("canvas", { role: "img", "aria-label": "Scatter plot of the samples" }));
    at("grid").append(canvases[0]);
    return;
  }
  const crisp = Math.min(space.height, space.width) < 128;
  for (const place of [at("grid"), at("large")]) place.classList.toggle("crisp", crisp);
  for (let i = 0; i < about.count; i++) {
    canvases.push(part("canvas"));
    const tile = part("button", { type: "button", class: "tile" }, canvases[i], ...(columns.length ? [part("span")] : []));
    tile.addEventListener("click", () => enlarge(i));
    at("grid").append(tile);
    at("goal").append(part("option", { value: i }, `sample ${i + 1}`));
  }
  at("grid").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -4, ArrowDown: 4 }[event.key];
    const next = at("grid").children[[...at("grid").children].indexOf(event.target) + step];
    if (!step || !next) return;
    event.preventDefault();
    next.focus();
  });
}

/** A field for each label column: a list of classes, or a number. */
function choices() {
  columns.forEach(({ name, classes, mean, std }, c) => {
    const id = `label${c}`, any = "as in the data";
    const input = classes.length
      ? part("select", { id }, part("option", { value: "" }, any), ...classes.map((kind, i) => part("option", { value: i }, kind)))
      : part("input", { id, type: "number", step: "any", placeholder: `${Number(mean.toPrecision(3))} ± ${Number(std.toPrecision(3))}` });
    input.addEventListener("input", () => {
      chosen[c] = input.value === "" || !Number.isFinite(Number(input.value)) ? null : Number(input.value);
      refresh();
    });
    at("labels").append(part("div", { class: "field" }, part("label", { for: id }, name), input));
  });
}

function truncating() {
  if (about.truncation === "none") return;
  const slider = at("truncation"), styles = about.truncation === "styles";
  Object.assign(slider, { min: 1, max: STEPS, step: 1, value: STEPS });
  at("meant").textContent = "To the left: less variety, cleaner samples.";
  const tell = () => {
    const value = reach() === about.whole ? "none" : `${styles ? "" : "±"}${Number(reach().toPrecision(3))}`;
    at("truncated").value = value;
    slider.setAttribute("aria-valuetext", value);
  };
  slider.addEventListener("input", () => { tell(); refresh(); });
  at("truncating").hidden = false;
  tell();
}

function controls() {
  choices();
  truncating();
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  at("seed").addEventListener("input", refresh);
  at("another").addEventListener("click", () => { at("seed").value = (seed() + 1) % 4294967296; refresh(); });
  at("save").addEventListener("click", () => {
    handed(pictures ? sheet(made.data, about.count, 4) : canvases[0], `${about.name}-seed-${seed()}.png`);
  });
}

// --- one sample, large, and the walk from it to another

const viewer = at("viewer");
let from = 0, frame = { data: [] }, moving = 0;

function enlarge(i) {
  from = (i + about.count) % about.count;
  rest();
  at("way").value = 0;
  at("goal").value = (from + 1) % about.count;
  frame = made;
  painted(at("large"), seen(made.data, from));
  entitle(0);
  if (!viewer.open) viewer.showModal();
  at("play").focus();
}

function entitle(t) {
  const goal = Number(at("goal").value), told = worded(items[from].row);
  at("shown").textContent = t ? `From ${from + 1} to ${goal + 1}` : `Sample ${from + 1}${told && ` · ${told}`}`;
  at("large").setAttribute("aria-label", at("shown").textContent);
}

/** Draw the place on the way where the slider is; places asked for meanwhile are left out but the last. */
async function move() {
  if (moving++) return;
  for (let served = 0; served < moving;) {
    served = moving;
    const [a, b, t] = [items[from], items[Number(at("goal").value)], Number(at("way").value)];
    const [p, q] = [condition(a.row), condition(b.row)];
    frame = await make([{ z: between(a.z, b.z, t), y: p.map((v, i) => (1 - t) * v + t * q[i]) }], reach());
    painted(at("large"), seen(frame.data, 0));
    entitle(t);
  }
  moving = 0;
}

/** There and back, two seconds each way, until it is told to rest. */
async function walk() {
  const mine = ++playing, start = performance.now() - 2000 * Number(at("way").value);
  at("play").textContent = "Rest";
  while (mine === playing && viewer.open) {
    const t = ((performance.now() - start) / 2000) % 2;
    at("way").value = t > 1 ? 2 - t : t;
    await move();
    await new Promise(requestAnimationFrame);
  }
}

function rest() {
  playing += 1;
  at("play").textContent = "Walk";
}

function viewing() {
  at("play").addEventListener("click", () => (at("play").textContent === "Walk" ? walk() : rest()));
  at("way").addEventListener("input", () => { rest(); move(); });
  at("goal").addEventListener("change", move);
  at("before").addEventListener("click", () => enlarge(from - 1));
  at("after").addEventListener("click", () => enlarge(from + 1));
  at("close").addEventListener("click", () => viewer.close());
  at("keep").addEventListener("click", () => {
    const still = painted(document.createElement("canvas"), seen(frame.data, frame === made ? from : 0, true));
    handed(still, `${about.name}-${at("shown").textContent.replace(/[^\w]+/g, "-")}.png`.toLowerCase());
  });
  viewer.addEventListener("close", () => { rest(); canvases[from].parentElement.focus(); });
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  viewer.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select")) return;
    if (event.key === "ArrowLeft") enlarge(from - 1);
    if (event.key === "ArrowRight") enlarge(from + 1);
  });
}

// --- what is known of it

function table(head, lines, kind) {
  const cells = ([name, ...values]) => part("tr", {}, part("th", { scope: "row" }, ...[name].flat()), ...values.map((v) => part("td", {}, v)));
  const top = head.length ? [part("thead", {}, part("tr", {}, ...head.map((h) => part("th", { scope: "col" }, h))))] : [];
  return part("div", { class: "scroll" }, part("table", { class: kind }, ...top, part("tbody", {}, ...lines.map(cells))));
}

function section(title, ...children) {
  at("about").append(part("section", {}, part("h2", {}, title), ...children));
}

function told() {
  at("name").textContent = about.name;
  at("summary").textContent = about.summary;
  if (about.figures.length) {
    const lines = about.figures.map(([title, value, real, meaning]) => [[title, part("small", {}, meaning)], value, real]);
    section("Figures", table(["Measure", "Samples", "Real data"], lines, "figures"));
  }
  section("Use and limits", part("ul", {}, ...about.limits.map((one) => part("li", {}, one))));
  section("How it was made", table([], Object.entries(about.making), "facts"));
  section("Data", table([], Object.entries(about.data), "facts"));
  section("This page", part("p", {}, "The generator is inside this file and runs in your browser: nothing is loaded, " +
    `nothing is sent, and no network is needed. Seed 0 shows the first ${about.count} samples of seed 0 as ganvas makes them; ` +
    "with other seeds the latents are drawn by this page's own generator of random numbers, so they are not those that ganvas draws."));
  at("foot").textContent = `Made by ganvas ${about.version}. Run by ONNX Runtime Web ${ort.env.versions.web} (Microsoft, MIT License).`;
}

stage();
controls();
told();
if (pictures) viewing();
globalThis.ganvas = { about, make, sample, condition, between }; // for the curious: the browser's console
wake().then(refresh, failed);
