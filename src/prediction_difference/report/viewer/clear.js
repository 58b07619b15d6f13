// CLEAR maps: at every pixel the class that responds most, of those that an explanation is about.
// As attribution/clear.py has it: its colour is the class, its brightness the response.

/** Maps of all classes by the explanation and for the image of this one; none for a single class. */
function classMaps(facts) {
  const same = catalogue.maps.filter((other) =>
    other.class !== null && isAlike(other, facts) && other.output === facts.output &&
    other.facets.image === facts.facets.image);
  const classes = new Set(same.map((other) => other.class));
  const isComplete = classes.size > 1 && classes.size === same.length && same.includes(facts);
  return isComplete ? same.sort((a, b) => a.number - b.number) : [];
}

/** Of all classes of this network on the page, so that no image decides on a class's colour. */
function classNumbers(facts) {
  const ofNetwork = catalogue.maps.filter((other) =>
    other.class !== null && other.facets.network === facts.facets.network);
  return [...new Set(ofNetwork.map((other) => other.number))].sort((a, b) => a - b);
}

/** Whether there are enough colours that are told apart with a colour vision deficiency too. */
const hasDistinct = (clear) => clear.count <= catalogue.colours.distinct.length;

/** Colours of the classes of a map, 0 to 255. */
function classColours(clear, palette) {
  const isDistinct = palette === "distinct" && hasDistinct(clear);
  const all = isDistinct ? catalogue.colours.distinct : hues(clear.count);
  return clear.places.map((place) => all[place]);
}

/** Fully saturated colours at equal distances round the circle, 0 to 255. */
function hues(count) {
  return Array.from({ length: count }, (_, n) =>
    [0, 1 / 3, 2 / 3].map((third) => {
      const turn = (n / count - third + 1.5) % 1;
      return 255 * Math.min(1, Math.max(0, 2 - 6 * Math.abs(turn - 0.5)));
    }));
}

/** What is drawn of all classes; null where there is one only. */
async function readClear(facts) {
  const maps = classMaps(facts);
  if (!maps.length) return null;
  const responses = await Promise.all(maps.map((map) => readNumbers(map.numbers.relevance)));
  const count = responses[0].length;
  const classes = new Int32Array(count);
  const response = new Float64Array(count).fill(-Infinity);
  responses.forEach((values, number) => values.forEach((value, n) => {
    if (!(value > response[n])) return;
    response[n] = value;
    classes[n] = number;
  }));
  const names = maps.map((map) => map.class);
  const numbers = classNumbers(facts);
  const places = maps.map((map) => numbers.indexOf(map.number));
  const { classes: explained } = catalogue.stores[facts.store];
  return { names, places, explained, count: numbers.length, classes, response, unit: facts.unit };
}

/** Black where no class responds; distinct colours are full, as darker ones could be taken for others. */
function paintClear(canvas, map, clear, palette) {
  const largest = clear.response.reduce((most, value) => Math.max(most, value), 0) || 1;
  const colours = classColours(clear, palette);
  const isFlat = palette === "distinct" && hasDistinct(clear);
  fill(canvas, map.width, map.height, (n, into, at) => {
    const strength = Math.max(0, clear.response[n]) / largest;
    const share = isFlat ? Number(strength >= catalogue.colours.full_from) : strength;
    const colour = colours[clear.classes[n]];
    for (let part = 0; part < 3; part++) into[at + part] = Math.round(share * colour[part]);
    into[at + 3] = 255;
  });
}

/** Which class responds most at pixel n, in words. */
function clearInWords(clear, n) {
  const value = clear.response[n];
  if (!(value > 0)) return "no class responds";
  const most = withUnit(number(value, true), clear.unit);
  return `${clear.names[clear.classes[n]]} responds most, ${most}`;
}
