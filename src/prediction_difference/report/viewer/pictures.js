// Reading photographs and maps of their pixels.

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
  const sides = `${width} × ${height} pixels`;
  const { relevance: values, error: errors } = numbers;
  return { facts, store, height, width, sides, ...picture, values, errors };
}
