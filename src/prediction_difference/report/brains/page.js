// The viewer of a cohort: its controls. Decides what is shown, lets others draw it.

const VIEWS = ["all", "x", "y", "z", "volume"];
const MIDDLE = grid.shape.map((side) => Math.floor(side / 2));
const VIEW_AT_FIRST = {
  view: innerWidth < 640 ? widest() : "all", opacity: 85, hide: catalogue.hide, cut: "no", axis: "x",
  voxel: null,
};
const PAUSE = 140; // milliseconds between slices
const SIGNED = (value) => (value > 0 ? "for" : "against");

// facts: of the chosen map. map: the same with its numbers, once they are read. wanted: what was
// chosen in every control, also where no map has it. scene: NiiVue's, null without WebGL 2.
// playing: the axis whose slices are played, and the timer of the next one.
const state = {
  facts: null, map: null, wanted: null, view: VIEW_AT_FIRST, scene: null, playing: null,
};

// --- Choosing ---

/** Show a map; `reason` is said where something changed that nobody asked for. */
async function show(facts, reason = "") {
  state.facts = facts;
  $("notice").textContent = reason;
  fillSelects();
  showSlices(facts);
  try {
    const map = await readMap(facts);
    if (state.facts !== facts) return; // another map was chosen in the meantime
    state.map = map;
    state.view.voxel ??= strongest(map);
    if (state.scene) await showVolumes(state.scene, map);
    draw();
  } catch (error) {
    state.map = null;
    complain(`This map cannot be read (${error.message}). Write the report again, or use a newer browser.`);
  }
}

function complain(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

/** The voxel of the largest absolute value. */
function strongest(map) {
  let best = 0;
  map.values.forEach((value, n) => {
    if (Math.abs(value) > Math.abs(map.values[best])) best = n;
  });
  const [x, y] = grid.shape;
  return [best % x, Math.floor(best / x) % y, Math.floor(best / (x * y))];
}

/** Without a scene, the slices of the map are shown. */
function showSlices(facts) {
  const number = catalogue.maps.indexOf(facts);
  $("slices").hidden = state.scene !== null;
  for (const figure of document.querySelectorAll(".strips")) {
    figure.hidden = +figure.dataset.map !== number;
  }
}

// --- Drawing ---

const cutOf = (map) => (state.view.hide / 100) * strength(map.facts);

function draw() {
  const { map, view } = state;
  complain("");
  if (state.scene) {
    tint(state.scene, map.facts.kind, map.facts.limit, cutOf(map), view.opacity / 100);
    setView(state.scene, view.view);
    cutOpen(state.scene, view.cut === "yes" ? view.axis : null, view.voxel);
    lookAt(state.scene, view.voxel);
  }
  drawControls(map);
  drawBar(map);
  drawWords(map);
  drawPlace();
  rememberSoon();
}

function drawControls(map) {
  const { view } = state;
  const cut = cutOf(map);
  let [shown, all] = [0, 0];
  for (const value of map.values) {
    if (value) all++;
    if (value && Math.abs(value) >= cut) shown++;
  }
  document.querySelector(`[name=view][value=${view.view}]`).checked = true;
  $("opacity").value = view.opacity;
  $("opacity-value").textContent = `${view.opacity} %`;
  $("hide").value = view.hide;
  $("hide-value").textContent = cut > 0
    ? `${percent(view.hide / 100)}, ${withUnit(number(cut), map.facts.unit)}; ` +
      `${percent(shown / (all || 1))} of the voxels with a value are left`
    : "nothing is hidden";
  $("cut").checked = view.cut === "yes";
}

function drawBar(map) {
  const { limit, kind, unit } = map.facts;
  const isSigned = kind === "signed";
  const { for: strong, against } = catalogue.colours;
  const colours = isSigned ? [...against.toReversed(), ...strong] : strong;
  const canvas = $("bar");
  const context = canvas.getContext("2d");
  [canvas.width, canvas.height] = [256, 1];
  const gradient = context.createLinearGradient(0, 0, 256, 0);
  colours.forEach((colour, n) => {
    const half = isSigned ? (n < 3 ? n / 4 : (n - 1) / 4) : n / 2;
    gradient.addColorStop(half, colour);
  });
  context.fillStyle = gradient;
  context.fillRect(0, 0, 256, 1);
  const hidden = Math.round((isSigned ? 128 : 256) * (cutOf(map) / (limit || 1)));
  context.clearRect(isSigned ? 128 - hidden : 0, 0, isSigned ? 2 * hidden : hidden, 1);
  const ticks = isSigned ? [-1, -0.5, 0, 0.5, 1] : [0, 0.5, 1];
  canvas.setAttribute("aria-label", `Colours up to ${withUnit(number(limit), unit)}`);
  $("ticks").replaceChildren(
    ...ticks.map((tick) => element("span", number(tick * limit, isSigned))));
  const ends = isSigned ? ["blue: against", unit, "red: for"] : ["dark: weak", unit, "bright: strong"];
  $("ends").replaceChildren(...ends.map((text) => element("span", text)));
}

function drawWords(map) {
  const { facts, store } = map;
  $("title").textContent = heading(facts);
  $("subject").textContent = subjectInWords(map);
  $("subtitle").textContent = `${sentence(map, facts.limit)}, the same for all subjects`;
  const known = factsOf(map, facts.limit);
  const seen = Object.entries(store.seen).filter(([, text]) => text !== null);
  $("facts").replaceChildren(...pairs([...known, ...seen]));
  $("parameters").replaceChildren(...pairs(store.parameters));
  $("store").href = store.link;
}

/** Label and prediction of a subject, and what is known of whether the classifier had seen it. */
function subjectInWords({ facts, store }) {
  const p = number(store.predicted_probability);
  return [
    facts.facets.image,
    `label ${store.label ?? "unknown"}`,
    `predicted ${store.predicted}, p = ${p}${store.misclassified ? " – misclassified" : ""}`,
    store.seen.Classifier,
  ].join(" · ");
}

// --- The crosshair ---

/** A coordinate, to a tenth of a millimetre. */
function signed(value) {
  const rounded = Math.round(10 * value) / 10;
  return (rounded < 0 ? MINUS : rounded > 0 ? "+" : "") + Math.abs(rounded);
}

function sideOf(x) {
  if (Math.abs(x) < 0.05) return "midline";
  return x < 0 ? "left" : "right";
}

/** Where a voxel is, in words. */
function placeInWords(voxel) {
  const whole = voxel.map((index, axis) => index + grid.first[axis]);
  const counted = `voxel (${whole.join(", ")})`;
  if (!grid.has_place) return counted;
  const [x, y, z] = millimetres(voxel);
  return `x ${signed(x)}, y ${signed(y)}, z ${signed(z)} mm, ${sideOf(x)} · ${counted}`;
}

function drawPlace() {
  const { map, view } = state;
  const n = placeOf(view.voxel);
  const isHidden = !(Math.abs(map.values[n]) >= cutOf(map));
  const said = valueInWords(map, n, map.facts.kind === "signed" ? SIGNED : null, isHidden);
  $("place").textContent = placeInWords(view.voxel);
  $("value").textContent = said.value;
  $("remark").textContent = [`image ${+map.greys[n].toPrecision(2)}`, said.notes].filter(Boolean).join("; ");
  for (const world of WORLD) drawSlider(world);
  return said;
}

function drawSlider(world) {
  const { axis } = storedAxis(world);
  const { voxel } = state.view;
  const slice = voxel[axis] + grid.first[axis];
  const place = millimetres(voxel)[WORLD.indexOf(world)];
  $(`slide-${world}`).max = grid.shape[axis] - 1;
  $(`slide-${world}`).value = sliceOf(voxel, world);
  $(`slide-${world}-value`).textContent =
    (grid.has_place ? `${signed(place)} mm, ` : "") + `slice ${slice}`;
}

function moveTo(voxel) {
  state.view.voxel = voxel;
  if (!state.map) return;
  if (state.scene) {
    const { view } = state;
    cutOpen(state.scene, view.cut === "yes" ? view.axis : null, voxel);
    lookAt(state.scene, voxel);
  }
  drawPlace();
  rememberSoon();
}

function slide(world, index) {
  state.view.axis = world;
  moveTo(inSlice(state.view.voxel, world, index));
}

/** Read aloud what a person, and not the film, has moved to. */
function announce() {
  const said = drawPlace();
  $("announcement").textContent = `${placeInWords(state.view.voxel)}: ${said.value}. ${said.notes}`;
}

// --- The film ---

function stop() {
  clearTimeout(state.playing?.timer);
  state.playing = null;
  for (const world of WORLD) {
    $(`play-${world}`).setAttribute("aria-pressed", "false");
    $(`play-${world}`).textContent = "Play";
  }
}

function play(world) {
  const isOn = state.playing?.world === world;
  stop();
  if (isOn) return;
  const { axis } = storedAxis(world);
  const film = { world, timer: null };
  // The pause begins when a slice has been drawn: a slow computer keeps time for its controls.
  const wait = () => { film.timer = setTimeout(() => requestAnimationFrame(next), PAUSE); };
  const next = () => {
    if (state.playing !== film) return;
    slide(world, (sliceOf(state.view.voxel, world) + 1) % grid.shape[axis]);
    requestAnimationFrame(wait);
  };
  state.playing = film;
  wait();
  $(`play-${world}`).setAttribute("aria-pressed", "true");
  $(`play-${world}`).textContent = "Stop";
}

// --- The view ---

/** What an address asks for: facets, and the view; what it does not say is as in `defaults`. */
function fromHash(hash, defaults) {
  const { said, wanted } = saidIn(hash);
  const view = { ...defaults };
  if (VIEWS.includes(said.view)) view.view = said.view;
  if (inRange(said.opacity, 0, 100)) view.opacity = +said.opacity;
  if (inRange(said.hide, 0, 99)) view.hide = +said.hide;
  if (WORLD.includes(said.axis)) view.axis = said.axis;
  if (["yes", "no"].includes(said.cut)) view.cut = said.cut;
  const voxel = (said.voxel ?? "").split(",").map(Number);
  if (said.voxel && voxel.length === 3 && voxel.every(Number.isInteger)) view.voxel = inside(voxel);
  return { wanted, view };
}

function change(some) {
  Object.assign(state.view, some);
  if (state.map) draw();
}

function listen() {
  for (const radio of document.querySelectorAll("[name=view]")) {
    radio.onchange = () => change({ view: radio.value });
  }
  $("opacity").oninput = () => change({ opacity: +$("opacity").value });
  $("hide").oninput = () => change({ hide: +$("hide").value });
  $("cut").onchange = () => change({ cut: $("cut").checked ? "yes" : "no" });
  for (const world of WORLD) {
    $(`slide-${world}`).oninput = () => {
      stop();
      slide(world, +$(`slide-${world}`).value);
      announce();
    };
    $(`play-${world}`).onclick = () => play(world);
  }
  addEventListener("resize", () => change({}));
  addEventListener("hashchange", () => openAddress(VIEW_AT_FIRST));
}

/** Something to draw in, or slices with a word on why. */
async function prepare() {
  try {
    $("shown").hidden = false; // NiiVue asks how large its canvas is
    if (!hasWebGL2()) throw new Error("this browser has no WebGL 2");
    state.scene = await openScene($("scene"), (place) => {
      const voxel = voxelAt(place);
      if (state.map && String(voxel) !== String(state.view.voxel)) moveTo(voxel);
    });
  } catch (error) {
    $("interactive").before($("slices"));
    $("interactive").hidden = true;
    $("legend").hidden = true;
    $("fallback").textContent = `No interactive view: ${error.message}. Slices of each map are shown instead.`;
  }
}

hideIdleSelects();
listen();
await prepare();
openAddress(VIEW_AT_FIRST);
