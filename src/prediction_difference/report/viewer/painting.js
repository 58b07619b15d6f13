// Painting: from the numbers of a map to colours, on canvases with one pixel for each pixel.

/** What values of a kind mean: their colours, where on the scale they stand, and words. */
const KINDS = {
  signed: {
    colours: levels(catalogue.colours.signed),
    place: (value, limit) => 0.5 + value / (2 * limit),
    ticks: [-1, -0.5, 0, 0.5, 1],
    ends: ["blue: against", "red: for"],
    sense: (value) => (value > 0 ? "for" : "against"),
  },
  unsigned: {
    colours: levels(catalogue.colours.unsigned),
    place: (value, limit) => value / limit,
    ticks: [0, 0.5, 1],
    ends: ["white: none", "red: strong"],
  },
};

/** How a map is coloured: what its values mean, the value of full colour, what is hidden below. */
const scaleOf = (kind, limit, cut) => ({ ...KINDS[kind], limit: limit || 1, cut });

const isHidden = (value, scale) => !(Math.abs(value) >= scale.cut);

/** Index of a value's red in the colours of a scale. */
function colourAt(value, scale) {
  const count = scale.colours.length / 3;
  const level = Math.floor(scale.place(value, scale.limit) * count);
  return 3 * Math.min(count - 1, Math.max(0, level));
}

/** Set every pixel of a canvas: `colour(n, into)` fills red, green, blue and opacity of pixel n. */
function fill(canvas, width, height, colour) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let n = 0; n < width * height; n++) colour(n, image.data, 4 * n);
  context.putImageData(image, 0, 0);
}

function paintOriginal(canvas, map) {
  canvas.width = map.width;
  canvas.height = map.height;
  canvas.getContext("2d").drawImage(map.picture, 0, 0);
}

/** What is hidden stays transparent, so that it is told from zero. */
function paintHeatmap(canvas, map, scale) {
  fill(canvas, map.width, map.height, (n, into, at) => {
    if (isHidden(map.values[n], scale)) return;
    const from = colourAt(map.values[n], scale);
    for (let part = 0; part < 3; part++) into[at + part] = scale.colours[from + part];
    into[at + 3] = 255;
  });
}

/** The image in light greys; colours multiply, so white leaves it as it is. opacity: 0 to 1. */
function paintOverlay(canvas, map, scale, opacity) {
  const darkest = catalogue.colours.darkest_ground;
  fill(canvas, map.width, map.height, (n, into, at) => {
    const ground = darkest + (1 - darkest) * map.grey[n];
    const from = colourAt(map.values[n], scale);
    const share = isHidden(map.values[n], scale) ? 0 : opacity;
    for (let part = 0; part < 3; part++) {
      const tint = 1 - share * (1 - scale.colours[from + part] / 255);
      into[at + part] = Math.round(255 * ground * tint);
    }
    into[at + 3] = 255;
  });
}

/** The colours of a scale from its lowest to its highest value. */
function paintBar(canvas, scale) {
  const width = 512;
  const [low, high] = [scale.ticks[0], scale.ticks.at(-1)];
  const values = Float64Array.from({ length: width }, (_, n) => {
    return scale.limit * (low + ((high - low) * (n + 0.5)) / width);
  });
  paintHeatmap(canvas, { width, height: 1, values }, scale);
}

/** The value from which on a share of all pixels is shown, beginning with the largest. */
function cutOfShare(values, share) {
  const sizes = Float64Array.from(values, (value) => Math.abs(value) || 0).sort();
  const place = sizes.length - Math.max(1, Math.round(share * sizes.length));
  return sizes[place] || Number.MIN_VALUE; // zero is never among the largest
}
