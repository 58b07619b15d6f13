// The scene: NiiVue on its canvas. What it is told here is all that it knows.

const SLICE_TYPES = { all: 3, x: 2, y: 1, z: 0, volume: 4 };
const LAYOUTS = { column: 1, grid: 2, row: 3 };
const LETTERS = [1, 0.85, 0.2, 1]; // unlike any tissue
const FROM_ZERO = 1; // colours begin at zero, and what is below the threshold is transparent
const LEAST_SHARE = 1e-4; // of the limit; a threshold of zero would tint the background
const MOST_SHARE = 0.999;
const CUTS = { x: [270, 0], y: [180, 0], z: [0, 90] };

/** The class that the page carries along. */
async function loadNiivue() {
  const program = new Blob([await inflated("niivue")], { type: "text/javascript" });
  const address = URL.createObjectURL(program);
  try {
    return (await import(address)).Niivue;
  } finally {
    URL.revokeObjectURL(address);
  }
}

const hasWebGL2 = () => document.createElement("canvas").getContext("webgl2") !== null;

/** A colour map from weak to strong, for NiiVue. */
function colourMap(colours) {
  const parts = colours.map((colour) => levels(colour.slice(1)));
  const part = (n) => [parts[0][n], ...parts.map((colour) => colour[n])];
  const places = parts.map((_, n) => Math.round(1 + (254 * n) / (parts.length - 1)));
  // What is exactly zero is coloured by the first level, whatever the threshold.
  const opacities = [0, ...parts.map(() => 255)];
  return { R: part(0), G: part(1), B: part(2), A: opacities, I: [0, ...places] };
}

/** An empty scene; `moved(place)` is called with the crosshair's millimetres. */
async function openScene(canvas, moved) {
  const Niivue = await loadNiivue();
  const scene = new Niivue({
    logLevel: "error",
    dragAndDropEnabled: false,
    dragMode: 0,
    viewModeHotKey: "",
    clipPlaneHotKey: "",
    cycleClipPlaneHotKey: "",
    scrollRequiresFocus: true,
    isNearestInterpolation: true,
    isForceMouseClickToVoxelCenters: true,
    isOrientationTextVisible: grid.has_place,
    showAllOrientationMarkers: grid.has_place,
    isOrientCube: grid.has_place,
    multiplanarShowRender: 1,
    multiplanarPadPixels: 4,
    show3Dcrosshair: true,
    crosshairColor: [0.3, 0.9, 0.3, 0.8],
    crosshairWidth: 0.5,
    fontColor: LETTERS,
    clipPlaneColor: [0, 0, 0, 0],
  });
  // With a margin, NiiVue 0.65 adds it twice and writes L to the right of the middle.
  scene.drawSliceOrientationText = (tile, slice) =>
    Niivue.prototype.drawSliceOrientationText.call(scene, tile, slice);
  // NiiVue 0.65 takes the sides as they are stored, though places are those of the turned volume.
  scene.frac2vox = (place, number = 0) => {
    const [, ...sides] = scene.volumes[number]?.dimsRAS ?? [3, 1, 1, 1];
    return sides.map((side, axis) => Math.round(place[axis] * side - 0.5));
  };
  await scene.attachToCanvas(canvas, false);
  for (const [name, colours] of Object.entries(catalogue.colours)) {
    scene.addColormap(name, colourMap(colours));
  }
  scene.onLocationChange = () => moved([...scene.frac2mm(scene.scene.crosshairPos, 0, true)]);
  return scene;
}

/** Show another map. */
async function showVolumes(scene, map) {
  if (!scene.volumes.length) {
    await scene.loadFromArrayBuffer(niftiOf(map.greys), "image.nii");
    await scene.loadFromArrayBuffer(niftiOf(map.values), "relevance.nii");
  }
  const [image, overlay] = scene.volumes;
  image.img.set(map.greys);
  overlay.img.set(map.values.map((value) => (Number.isNaN(value) ? 0 : value)));
  const { low, peak } = catalogue.images[map.facts.image];
  Object.assign(image, { cal_min: low, cal_max: peak });
}

/** Tint what is not below `cut`; full colour is at `limit`. opacity: 0 to 1. */
function tint(scene, kind, limit, cut, opacity) {
  const [, overlay] = scene.volumes;
  const full = limit || 1;
  const least = Math.min(MOST_SHARE * full, Math.max(LEAST_SHARE * full, cut));
  Object.assign(overlay, {
    colormap: "for",
    colormapNegative: kind === "signed" ? "against" : "",
    colormapType: FROM_ZERO,
    cal_min: least,
    cal_max: full,
    cal_minNeg: -least,
    cal_maxNeg: -full,
    opacity,
  });
  scene.updateGLVolume();
}

/** How slices and the 3-D view are arranged so that they are as large as can be. */
function layoutFor(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const [x, y, z] = WORLD.map((world) => {
    const { axis } = storedAxis(world);
    return grid.shape[axis] * Math.hypot(...grid.affine.slice(0, 3).map((row) => row[axis]));
  });
  const longest = Math.max(x, y, z);
  const scales = new Map([
    [LAYOUTS.row, Math.min(width / (2 * x + y + longest), height / Math.max(y, z))],
    [LAYOUTS.grid, Math.min(width / (x + y), height / (y + z))],
    [LAYOUTS.column, Math.min(width / Math.max(x, y), height / (y + 2 * z + longest))],
  ]);
  return [...scales].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

function setView(scene, view) {
  scene.opts.multiplanarLayout = layoutFor(scene.canvas);
  scene.setSliceType(SLICE_TYPES[view]);
}

function lookAt(scene, voxel) {
  scene.scene.crosshairPos = scene.mm2frac(millimetres(voxel), 0, true);
  scene.drawScene();
}

/** Hide what lies beyond the voxel along x, y or z in the 3-D view; all is shown where `world` is null. */
function cutOpen(scene, world, voxel) {
  const fraction = world === null ? 0 : scene.mm2frac(millimetres(voxel), 0, true)[WORLD.indexOf(world)];
  const [azimuth, elevation] = CUTS[world] ?? [0, 0];
  scene.setClipPlane([world === null ? 2 : fraction - 0.5, azimuth, elevation]);
}
