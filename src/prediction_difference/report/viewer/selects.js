// The controls that choose a map, and the address, which names it. What pages share: each has a
// `state` with `facts` of the map that is shown, `wanted` and `view`, and `show`, which shows another.

const $ = (id) => document.getElementById(id);

/** The map that one choice leads to, with everything else as it was wanted where that exists. */
function choose(facet, facts) {
  state.wanted = wantedAfter(state.wanted, facet, facts);
  const maps = catalogue.maps.filter((map) => map.facets[facet] === facts.facets[facet]);
  const found = nearest(maps, state.wanted);
  show(found, changes(facet, state.facts, found));
}

/** Other choices that had to change as well. */
function changes(facet, before, after) {
  const isNew = (f) => f !== facet && before.facets[f] !== after.facets[f] && !fieldOf(f).hidden;
  const others = FACETS.filter((f) => f !== "explanation" && isNew(f));
  // Another method, network or window is another explanation anyway.
  const isSurprise = !others.length && ["image", "layer", "node"].includes(facet);
  const changed = isSurprise && isNew("explanation") ? ["explanation"] : others;
  if (!changed.length) return "";
  const words = changed.map((f) => `${labelOf(f)}: ${optionText(f, after)}`);
  return `There is no such map with all else as it was. Also changed – ${words.join("; ")}.`;
}

const fieldOf = (facet) => document.querySelector(`[data-facet="${facet}"]`);
const labelOf = (facet) => fieldOf(facet).querySelector("span").textContent;

function fillSelects() {
  for (const facet of FACETS) {
    const found = choices(facet, state.facts);
    const select = $(`choose-${facet}`);
    const option = (facts) => new Option(optionText(facet, facts), facts.facets[facet] ?? "");
    const isOwn = (facts) => facet !== "node" || isAlike(facts, state.facts);
    const others = found.filter((facts) => !isOwn(facts)).map(option);
    select.replaceChildren(...found.filter(isOwn).map(option), ...group(others));
    select.value = state.facts.facets[facet] ?? "";
    select.onchange = () => choose(facet, found[select.selectedIndex]);
  }
}

/** Choices that change more than they say. */
function group(options) {
  const made = document.createElement("optgroup");
  made.label = "by another method or window";
  made.append(...options);
  return options.length ? [made] : [];
}

/** Controls with one choice in the whole run are left out: the facts below the map say it. */
function hideIdleSelects() {
  for (const facet of FACETS) {
    const count = new Set(catalogue.maps.map((map) => map.facets[facet])).size;
    const isNeeded = facet === "explanation" ? isAmbiguous() : count > 1;
    fieldOf(facet).hidden = !isNeeded;
  }
}

/** Whether explanations differ in something that has no control of its own. */
function isAmbiguous() {
  const others = FACETS.filter((facet) => facet !== "explanation");
  const seen = new Set(catalogue.maps.map((map) => JSON.stringify(others.map((f) => map.facets[f]))));
  return seen.size < catalogue.maps.length;
}

/** The next or previous choice of a control. */
function step(facet, by) {
  const found = choices(facet, state.facts);
  const place = found.findIndex((map) => map.facets[facet] === state.facts.facets[facet]);
  const next = found[(place + by + found.length) % found.length];
  if (found.length > 1) choose(facet, next);
}

const pairs = (known) =>
  known.flatMap(([name, text]) => [element("dt", name), element("dd", text)]);

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

// --- The address ---

let remembering;

/** Keep the address in step, but not with every movement: browsers refuse that. */
function rememberSoon() {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    try {
      history.replaceState(null, "", toHash(state.facts, state.view));
    } catch {
      // In a frame without an address of its own, as in Snakemake's report.
    }
  }, 150);
}

/** Show what the address asks for; what it does not say of the view is as in `defaults`. */
function openAddress(defaults) {
  const { wanted, view } = fromHash(location.hash, defaults);
  const facts = nearest(catalogue.maps, wanted);
  const isExact = Object.entries(wanted).every(([f, value]) => facts.facets[f] === value);
  state.view = view;
  state.wanted = { ...facts.facets, class: facts.class, rank: facts.rank };
  show(facts, isExact ? "" : "The address names a map that is not here; this is the nearest one.");
}
