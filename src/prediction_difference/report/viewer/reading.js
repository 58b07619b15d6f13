// Reading: the catalogue of the page, and the numbers and pictures of a map. Draws nothing.
// What is read here was packed by report/packing.py and described by report/map_facts.py.

const catalogue = JSON.parse(document.getElementById("catalogue").textContent);

const LEAST = 100; // mantissas have three digits
const MANTISSAS = 900;
const NOT_FINITE = -32768;

const textOf = (name) => document.getElementById(name).textContent;

async function inflated(name) {
  const packed = Uint8Array.from(atob(textOf(name)), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

function decimal(code, exponent) {
  if (code === NOT_FINITE) return NaN;
  if (code === 0) return 0;
  const place = Math.abs(code) - 1;
  const mantissa = LEAST + (place % MANTISSAS);
  const power = exponent + Math.floor(place / MANTISSAS);
  return Math.sign(code) * Number(`${mantissa}e${power}`);
}

/** Numbers in the order of pixels. */
async function readNumbers(packed) {
  const planes = await inflated(packed.content);
  const count = planes.length / 2;
  const numbers = new Float64Array(count);
  let code = 0;
  for (let n = 0; n < count; n++) {
    const step = planes[n] | (planes[count + n] << 8);
    code = ((code + step) << 16) >> 16; // 16 bits with a sign
    numbers[n] = decimal(code, packed.exponent);
  }
  return numbers;
}

const pictures = new Map();

/** The photograph, and its pixels as grey in 0 to 1. */
async function readPicture(name) {
  if (!pictures.has(name)) {
    const picture = new Image();
    picture.src = `data:image/png;base64,${textOf(name)}`;
    await picture.decode();
    pictures.set(name, { picture, grey: greyOf(picture) });
  }
  return pictures.get(name);
}

function greyOf(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, picture.width, picture.height);
  return Float32Array.from({ length: data.length / 4 }, (_, n) => {
    return (data[4 * n] + data[4 * n + 1] + data[4 * n + 2]) / 765;
  });
}

/** A map as it is drawn: facts of the catalogue, sides, values and standard errors of pixels. */
async function readMap(facts) {
  const store = catalogue.stores[facts.store];
  const [height, width] = store.shape;
  const names = Object.keys(facts.numbers);
  const [picture, ...read] = await Promise.all([
    readPicture(catalogue.images[facts.image].picture),
    ...names.map((name) => readNumbers(facts.numbers[name])),
  ]);
  const numbers = Object.fromEntries(names.map((name, n) => [name, read[n]]));
  return { facts, store, height, width, ...picture, values: numbers.relevance, errors: numbers.error };
}

/** The largest absolute value of a map, known before its numbers are read. */
const strength = (facts) => Math.max(Math.abs(facts.smallest ?? 0), Math.abs(facts.largest ?? 0));
