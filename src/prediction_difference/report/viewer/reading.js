// Reading: the catalogue of the page, and the numbers of a map. Draws nothing.
// What is read here was packed by report/packing.py and described by report/map_facts.py.

const catalogue = JSON.parse(document.getElementById("catalogue").textContent);

/** Bytes of which a text has two digits each. */
const levels = (hexadecimal) => Uint8Array.from(hexadecimal.match(/../g), (two) => parseInt(two, 16));

const textOf = (name) => document.getElementById(name).textContent;

async function inflated(name) {
  const packed = Uint8Array.from(atob(textOf(name)), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

/** The number that 16 bits are by IEEE 754; Float16Array is not in every browser yet. */
function half(bits) {
  const [power, digits] = [(bits >> 10) & 31, bits & 1023];
  if (power === 31) return NaN;
  const size = power ? (1024 + digits) * 2 ** (power - 25) : digits * 2 ** -24;
  return bits >> 15 ? -size : size;
}

/** Numbers in the order of pixels: the low bytes of all come first. */
async function readNumbers(packed) {
  const bytes = await inflated(packed.content);
  const [count, scale] = [bytes.length / 2, 2 ** packed.exponent];
  return Float64Array.from({ length: count }, (_, n) => half(bytes[n] | (bytes[count + n] << 8)) * scale);
}

/** The largest absolute value of a map, known before its numbers are read. */
const strength = (facts) => Math.max(Math.abs(facts.smallest ?? 0), Math.abs(facts.largest ?? 0));
