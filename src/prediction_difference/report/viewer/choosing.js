// Choosing: which map is shown, and the address that leads to it. Draws nothing.

// Where no map has all that is wanted, what comes first here is kept before all that follows.
const FACETS = ["image", "network", "layer", "method", "window", "node", "explanation"];

/** From 0, as wanted, over 0.6, close to it, to 1. */
function difference(facet, map, wanted) {
  const value = map.facets[facet];
  if (value === wanted[facet]) return 0;
  if (!value || !wanted[facet]) return 1;
  if (facet === "window") return 0.6 + 0.4 * apart(+value, +wanted.window);
  const isClose = { image: titleOf(value) === titleOf(wanted.image), node: isLike(map, wanted) };
  return isClose[facet] ? 0.6 : 1;
}

const apart = (a, b) => Math.abs(a - b) / (a + b) || 0;

// The same image may be in several datasets, in other sizes.
const titles = new Map(catalogue.images.map(({ name, title }) => [name, title]));
const titleOf = (image) => titles.get(image) ?? image;

/** Whether a map is about the same class, or a class of the same rank. */
function isLike(map, wanted) {
  return map.class !== null && (map.class === wanted.class || map.rank === wanted.rank);
}

function distance(map, wanted) {
  return FACETS.reduce((sum, f, place) => sum + difference(f, map, wanted) / 4 ** place, 0);
}

/** The map that is nearest to what is wanted; of equal ones the first. */
function nearest(maps, wanted) {
  return maps.reduce((best, map) => (distance(map, wanted) < distance(best, wanted) ? map : best));
}

/** What is wanted from now on, after one choice. */
function wantedAfter(wanted, facet, map) {
  const more = facet === "node" ? { class: map.class, rank: map.rank } : {};
  return { ...wanted, [facet]: map.facets[facet], ...more };
}

/** Whether two maps were made by the same explanation, so that only their nodes or images differ. */
const isAlike = (a, b) => a.facets.explanation === b.facets.explanation;

// Where it is not the order in which maps were made: windows by size; nodes by rank, first those
// that the explanation of the map that is shown has as well.
const ORDERS = {
  window: (a, b) => a.facets.window - b.facets.window,
  node: (a, b, map) => isAlike(b, map) - isAlike(a, map) || (a.rank ?? 0) - (b.rank ?? 0),
};

/** The maps among which a control chooses: nodes depend on the image, layers on the network. */
function choices(facet, map) {
  const fixed = { node: ["image", "network", "layer"], layer: ["network"] }[facet] ?? [];
  const maps = catalogue.maps.filter((other) =>
    fixed.every((f) => other.facets[f] === map.facets[f]),
  );
  const values = [...new Set(maps.map((other) => other.facets[facet]))];
  const found = values.map((value) =>
    nearest(maps.filter((other) => other.facets[facet] === value), map.facets),
  );
  const order = ORDERS[facet] ?? (() => 0);
  return found.sort((a, b) => order(a, b, map));
}

/** The part of an address behind #, from which `fromHash` makes the same map and view. */
function toHash(map, view) {
  const known = Object.entries({ ...map.facets, ...view });
  return `#${new URLSearchParams(known.filter(([, value]) => value !== null))}`;
}

/** What an address says, by name; and the facets among that. */
function saidIn(hash) {
  const said = Object.fromEntries(new URLSearchParams(hash.slice(1)));
  const wanted = Object.fromEntries(FACETS.filter((f) => f in said).map((f) => [f, said[f]]));
  return { said, wanted };
}

const inRange = (text, low, high) => Boolean(text) && +text >= low && +text <= high;
