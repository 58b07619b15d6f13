// The page: its controls, the keyboard, the pointer. Decides what is shown, lets others draw it.

const canvases = {
  original: $("original"), heatmap: $("heatmap"), overlay: $("overlay"), clear: $("clear"),
};
const VIEW_AT_FIRST = { ...VIEW_DEFAULTS, view: innerWidth < 640 ? "overlay" : "side" };

// facts: of the chosen map. map: the same with its numbers, once they are read. wanted: what was
// chosen in every control, also where no map has it. scale: how values are coloured. hover: the
// pixel below the pointer. clear: what all classes of the explanation respond, if there are several.
const state = {
  facts: null, map: null, wanted: null, view: VIEW_AT_FIRST, scale: null, hover: null, clear: null,
};

// --- Choosing ---

/** Show a map; `reason` is said where something changed that nobody asked for. */
async function show(facts, reason = "") {
  state.facts = facts;
  $("notice").textContent = reason;
  fillSelects();
  try {
    const [map, clear] = await Promise.all([readMap(facts), readClear(facts)]);
    if (state.facts !== facts) return; // another map was chosen in the meantime
    state.map = map;
    state.clear = clear;
    state.hover = null;
    keepCursorInside();
    draw();
  } catch (error) {
    state.map = null;
    complain(`This map cannot be read (${error.message}). Write the report again, or use a newer browser.`);
  }
}

function complain(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
  $("shown").hidden = Boolean(text);
}

// --- Drawing ---

function limitOf(facts) {
  if (state.view.scale === "map") return strength(facts);
  const isComparable = (other) =>
    other.image === facts.image && other.kind === facts.kind && other.unit === facts.unit &&
    other.facets.layer === facts.facets.layer;
  return Math.max(...catalogue.maps.filter(isComparable).map(strength));
}

function cutOf(map) {
  const { hide } = state.view;
  return hide === "top5" ? cutOfShare(map.values, 0.05) : (hide / 100) * strength(map.facts);
}

function draw() {
  const { map, view } = state;
  const scale = scaleOf(map.facts.kind, limitOf(map.facts), cutOf(map));
  state.scale = scale;
  complain("");
  paintOriginal(canvases.original, map);
  paintHeatmap(canvases.heatmap, map, scale);
  paintOverlay(canvases.overlay, map, scale, view.opacity / 100);
  if (state.clear) paintClear(canvases.clear, map, state.clear, view.palette);
  $("stage").style.setProperty("--ratio", map.width / map.height);
  $("stage").dataset.view = shownView();
  for (const panel of document.querySelectorAll(".panel")) {
    const isThere = panel.dataset.view !== "clear" || state.clear !== null;
    panel.hidden = !isThere || !["side", panel.dataset.view].includes(shownView());
  }
  drawClasses();
  drawBar(scale);
  drawControls(map, scale);
  drawFacts(map, scale);
  drawReadout();
  rememberSoon();
}

/** What is looked at: the heatmap in place of a CLEAR map that is not there. */
const shownView = () =>
  state.view.view === "clear" && !state.clear ? "heatmap" : state.view.view;

function drawClasses() {
  const { clear, view } = state;
  $("classes").hidden = clear === null;
  $("view-clear").hidden = clear === null;
  $("palette").hidden = clear === null || !hasDistinct(clear);
  $("distinct").checked = view.palette === "distinct";
  const colours = clear === null ? [] : classColours(clear, view.palette);
  const items = colours.map((colour, number) => {
    const item = element("li", clear.names[number]);
    item.style.setProperty("--class", `rgb(${colour.map(Math.round).join(" ")})`);
    return item;
  });
  if (clear && clear.names.length < clear.explained) {
    items.push(element("li", `only ${clear.names.length} of ${clear.explained} explained classes are on this page`));
  }
  $("classes").replaceChildren(...items);
}

function drawBar(scale) {
  const { unit } = state.map.facts;
  paintBar($("bar"), scale);
  $("bar").setAttribute("aria-label", `Colours from ${number(scale.ticks[0] * scale.limit)} to ` +
    withUnit(number(scale.limit), unit));
  $("ticks").replaceChildren(...scale.ticks.map((tick) =>
    element("span", number(tick * scale.limit, scale.ticks[0] < 0))));
  $("ends").replaceChildren(
    ...[scale.ends[0], unit, scale.ends[1]].map((text) => element("span", text)));
}

function drawControls(map, scale) {
  const { view } = state;
  const largest = strength(map.facts) || 1;
  const shown = map.values.reduce((count, value) => count + !isHidden(value, scale), 0);
  document.querySelector(`[name=view][value=${shownView()}]`).checked = true;
  $("opacity").value = view.opacity;
  $("opacity-value").textContent = `${view.opacity} %`;
  $("hide").value = (100 * scale.cut) / largest;
  $("top5").setAttribute("aria-pressed", view.hide === "top5");
  $("hide-value").textContent = scale.cut > 0
    ? `${percent(scale.cut / largest)}, ${withUnit(number(scale.cut), map.facts.unit)}; ` +
      `${percent(shown / map.values.length)} of the pixels left`
    : "nothing is hidden";
  $("same").checked = view.scale === "image";
}

function drawFacts(map, scale) {
  $("title").textContent = heading(map.facts);
  $("subtitle").textContent = sentence(map, scale.limit);
  $("facts").replaceChildren(...pairs(factsOf(map, scale.limit)));
  $("parameters").replaceChildren(...pairs(map.store.parameters));
  $("store").href = map.store.link;
}

// --- Reading single pixels ---

const cursor = () => (state.view.x === null ? null : state.view.y * state.map.width + state.view.x);

function keepCursorInside() {
  if (state.view.x === null) return;
  state.view.x = Math.min(Math.round(state.view.x), state.map.width - 1);
  state.view.y = Math.min(Math.round(state.view.y), state.map.height - 1);
}

function setCursor(x, y) {
  const { width, height } = state.map;
  state.view.x = Math.min(width - 1, Math.max(0, x));
  state.view.y = Math.min(height - 1, Math.max(0, y));
  state.hover = null;
  drawReadout();
  rememberSoon();
}

const setCursorAt = (n) => setCursor(n % state.map.width, Math.floor(n / state.map.width));

function drawReadout() {
  const { map } = state;
  const n = state.hover ?? cursor();
  for (const mark of document.querySelectorAll(".mark")) mark.hidden = n === null;
  $("pointer").hidden = n === null || !Number.isFinite(map.values[n]);
  $("readout").classList.toggle("faint", n === null);
  const said = n === null ? null : readout(map, state.scale, n);
  if (said && state.clear) {
    said.notes = [clearInWords(state.clear, n), said.notes].filter(Boolean).join("; ");
  }
  $("place").textContent = said ? said.place : "Point at a pixel, or press Tab and arrow keys.";
  $("value").textContent = said ? said.value : "";
  $("remark").textContent = said ? said.notes : "";
  if (said) drawMarks(n);
  return said;
}

function drawMarks(n) {
  const { map, scale } = state;
  const style = $("panels").style;
  style.setProperty("--x", (n % map.width + 0.5) / map.width);
  style.setProperty("--y", (Math.floor(n / map.width) + 0.5) / map.height);
  style.setProperty("--pixel", 1 / map.width);
  const place = scale.place(map.values[n], scale.limit);
  $("pointer").style.setProperty("--place", Math.min(1, Math.max(0, place)));
}

function announce() {
  const said = drawReadout();
  $("announcement").textContent = said ? `${said.place}: ${said.value}. ${said.notes}` : "";
}

/** The pixel below the pointer. */
function pixelAt(event, canvas) {
  const box = canvas.getBoundingClientRect();
  const along = (at, start, side, count) =>
    Math.min(count - 1, Math.max(0, Math.floor(((at - start) / side) * count)));
  return [
    along(event.clientX, box.left, box.width, state.map.width),
    along(event.clientY, box.top, box.height, state.map.height),
  ];
}

/** The pixel of the largest, or with `sign` -1 the smallest value. */
function extreme(sign) {
  const sizes = state.map.values.map((value) => (Number.isNaN(value) ? -Infinity : sign * value));
  return sizes.reduce((best, size, n) => (size > sizes[best] ? n : best), 0);
}

// --- Keyboard ---

const moveBy = (x, y) => (event) => {
  const far = event.shiftKey ? 10 : 1;
  setCursor((state.view.x ?? 0) + far * x, (state.view.y ?? 0) + far * y);
};

const KEYS = {
  ArrowLeft: moveBy(-1, 0),
  ArrowRight: moveBy(1, 0),
  ArrowUp: moveBy(0, -1),
  ArrowDown: moveBy(0, 1),
  Home: () => setCursor(0, state.view.y ?? 0),
  End: () => setCursor(state.map.width - 1, state.view.y ?? 0),
  PageUp: () => setCursor(state.view.x ?? 0, 0),
  PageDown: () => setCursor(state.view.x ?? 0, state.map.height - 1),
  m: () => setCursorAt(extreme(1)),
  n: () => setCursorAt(extreme(-1)),
};

const SHORTCUTS = {
  1: () => change({ view: "side" }),
  2: () => change({ view: "original" }),
  3: () => change({ view: "heatmap" }),
  4: () => change({ view: "overlay" }),
  5: () => state.clear && change({ view: "clear" }),
  t: () => toggleTop(),
  s: () => change({ scale: state.view.scale === "image" ? "map" : "image" }),
  "[": () => step("image", -1),
  "]": () => step("image", 1),
  ",": () => step("node", -1),
  ".": () => step("node", 1),
};

// Only while the pictures have the focus, so that letters are free for assistive software.
function pressed(event) {
  if (!state.map || event.ctrlKey || event.altKey || event.metaKey) return;
  const move = KEYS[event.key];
  const act = move ?? SHORTCUTS[event.key];
  if (!act) return;
  event.preventDefault();
  act(event);
  if (move) announce();
}

// --- The view ---

function change(some) {
  Object.assign(state.view, some);
  if (state.map) draw();
}

const toggleTop = () => change({ hide: state.view.hide === "top5" ? "0" : "top5" });

function listen() {
  for (const radio of document.querySelectorAll("[name=view]")) {
    radio.onchange = () => change({ view: radio.value });
  }
  $("distinct").onchange = () => change({ palette: $("distinct").checked ? "distinct" : "hues" });
  $("opacity").oninput = () => change({ opacity: +$("opacity").value });
  $("hide").oninput = () => change({ hide: $("hide").value });
  $("top5").onclick = toggleTop;
  $("same").onchange = () => change({ scale: $("same").checked ? "image" : "map" });
  $("panels").onkeydown = pressed;
  $("panels").onfocus = () => {
    if (state.map && state.view.x === null) setCursorAt(extreme(1));
  };
  for (const canvas of Object.values(canvases)) {
    canvas.onpointermove = (event) => {
      if (!state.map) return;
      const [x, y] = pixelAt(event, canvas);
      state.hover = y * state.map.width + x;
      drawReadout();
    };
    canvas.onpointerdown = (event) => state.map && setCursor(...pixelAt(event, canvas));
    canvas.onpointerleave = () => {
      state.hover = null;
      if (state.map) drawReadout();
    };
  }
  addEventListener("hashchange", () => openAddress(VIEW_AT_FIRST));
}

hideIdleSelects();
listen();
openAddress(VIEW_AT_FIRST);
