// Volumes: their numbers, and where voxels lie. Draws nothing.
// Voxels [i, j, k] are counted from 0 on the axes as they are stored; x, y, z are millimetres, RAS+.

const { grid } = catalogue;
const VOXELS = grid.shape[0] * grid.shape[1] * grid.shape[2];
const WORLD = ["x", "y", "z"];

const placeOf = ([i, j, k]) => i + grid.shape[0] * (j + grid.shape[1] * k);

const transformed = (matrix, [a, b, c]) =>
  [0, 1, 2].map((row) => matrix[row][0] * a + matrix[row][1] * b + matrix[row][2] * c + matrix[row][3]);

const millimetres = (voxel) => transformed(grid.affine, voxel);

/** The voxel of the volume that is nearest to a place. */
const voxelAt = (place) => inside(transformed(grid.inverse, place).map(Math.round));

const inside = (voxel) =>
  voxel.map((index, axis) => Math.min(grid.shape[axis] - 1, Math.max(0, index)));

/** The stored axis that runs along x, y or z, and whether against it. */
function storedAxis(world) {
  const axis = grid.axes.findIndex(([nearest]) => nearest === WORLD.indexOf(world));
  return { axis, isOpposed: grid.axes[axis][1] < 0 };
}

/** The axis on which slices are widest: that of a slab, or z. */
function widest() {
  const [shortest, next] = grid.shape.toSorted((a, b) => a - b);
  const isSlab = 2 * shortest < next;
  return isSlab ? WORLD[grid.axes[grid.shape.indexOf(shortest)][0]] : "z";
}

/** How many slices a voxel is away from the lowest one along x, y or z. */
function sliceOf(voxel, world) {
  const { axis, isOpposed } = storedAxis(world);
  return isOpposed ? grid.shape[axis] - 1 - voxel[axis] : voxel[axis];
}

/** The voxel in slice `index` along x, y or z, in the same place of it. */
function inSlice(voxel, world, index) {
  const { axis, isOpposed } = storedAxis(world);
  return voxel.with(axis, isOpposed ? grid.shape[axis] - 1 - index : index);
}

/** Brightness of every voxel. */
async function readGreys({ greys, low, high }) {
  const codes = await inflated(greys);
  return Float32Array.from(codes, (code) => low + (code * (high - low)) / 255);
}

/** A map: facts of the catalogue, brightness of its image, values and standard errors of voxels. */
async function readMap(facts) {
  const names = Object.keys(facts.numbers);
  const [greys, ...read] = await Promise.all([
    readGreys(catalogue.images[facts.image]),
    ...names.map((name) => readNumbers(facts.numbers[name])),
  ]);
  const { relevance: values, error: errors } =
    Object.fromEntries(names.map((name, n) => [name, read[n]]));
  const sides = `${grid.shape.join(" × ")} voxels`;
  return { facts, store: catalogue.stores[facts.store], sides, greys, values, errors };
}

/** A NIfTI file of numbers in the order of voxels. */
function niftiOf(numbers) {
  const header = Uint8Array.from(atob(grid.header), (letter) => letter.charCodeAt(0));
  const file = new Uint8Array(header.length + 4 * VOXELS);
  file.set(header);
  new Float32Array(file.buffer, header.length).set(numbers);
  return file.buffer;
}
