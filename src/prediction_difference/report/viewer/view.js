// How a picture is looked at, and what the address says of that.

const VIEW_DEFAULTS = { view: "side", opacity: 80, hide: "0", scale: "map", palette: "hues", x: null, y: null };
const VIEWS = ["side", "original", "heatmap", "overlay", "clear"];

/** What an address asks for: facets, and the view; what it does not say is as in `defaults`. */
function fromHash(hash, defaults) {
  const { said, wanted } = saidIn(hash);
  const view = { ...defaults };
  if (VIEWS.includes(said.view)) view.view = said.view;
  if (inRange(said.opacity, 0, 100)) view.opacity = +said.opacity;
  if (said.hide === "top5" || inRange(said.hide, 0, 100)) view.hide = said.hide;
  if (["map", "image"].includes(said.scale)) view.scale = said.scale;
  if (["hues", "distinct"].includes(said.palette)) view.palette = said.palette;
  if (inRange(said.x, 0, 1e6) && inRange(said.y, 0, 1e6)) [view.x, view.y] = [+said.x, +said.y];
  return { wanted, view };
}

/** Where pixel n is, and its value in words. */
function readout(map, scale, n) {
  const place = `x ${n % map.width}, y ${Math.floor(n / map.width)}`;
  return { place, ...valueInWords(map, n, scale.sense, isHidden(map.values[n], scale)) };
}
