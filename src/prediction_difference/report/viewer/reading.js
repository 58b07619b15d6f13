// Reading: the catalogue of the page, and the numbers of a map. Draws nothing.
// What is read here was packed by report/packing.py and described by report/map_facts.py.

const catalogue = JSON.parse(document.getElementById("catalogue").textContent);

const LEAST = 100; // mantissas have three digits
const MANTISSAS = 900;
const NOT_FINITE = -32768;

/** Bytes of which a text has two digits each. */
const levels = (hexadecimal) => Uint8Array.from(hexadecimal.match(/../g), (two) => parseInt(two, 16));

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

/** The largest absolute value of a map, known before its numbers are read. */
const strength = (facts) => Math.max(Math.abs(facts.smallest ?? 0), Math.abs(facts.largest ?? 0));
