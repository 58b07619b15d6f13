// CLEAR maps: at every pixel the class that responds most, of those that an explanation is about.
// As attribution/clear.py has it: its colour is the class, its brightness the response.

/** Maps of all classes by the explanation and for the image of this one; none for a single class. */
function classMaps(facts) {
  const same = catalogue.maps.filter((other) =>
    other.class !== null && isAlike(other, facts) && other.output === facts.output &&
    other.facets.image === facts.facets.image);
  const classes = new Set(same.map((other) => other.class));
  return classes.size > 1 && classes.size === same.length && same.includes(facts) ? same : [];
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
  return { names, colours: hues(names.length), classes, response, unit: facts.unit };
}

/** Black where no class responds. */
function paintClear(canvas, map, clear) {
  const largest = clear.response.reduce((most, value) => Math.max(most, value), 0) || 1;
  fill(canvas, map.width, map.height, (n, into, at) => {
    const share = Math.max(0, clear.response[n]) / largest;
    const colour = clear.colours[clear.classes[n]];
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
