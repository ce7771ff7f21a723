//! Declarations for the stand-in server: one operation of each kind of control, in the shape of `/api/v1/operations`.

const range = (name, label, help, minimum, maximum, suggested, more = {}) => ({ name, label, help, required: false, control: "range", minimum, maximum, suggested, ...more });
const needed = (...args) => ({ ...range(...args), required: true });
const choice = (name, label, help, choices, value) => ({ name, label, help, required: false, control: "choice", choices, default: value, suggested: value });

const radius = needed("radius", "Radius", "The radius of the structuring element in pixels, 1 to 50.", 1, 50, 3, { unit: "px", step: 1 });
const shape = choice("shape", "Shape", "The structuring element: a square, a disc or a cross.", ["rect", "ellipse", "cross"], "rect");
const op = (name, label, group, category, help, reduced, parameters = [], more = {}) => ({ name, label, group, category, help, reduced, parameters, ...more });

export const operations = [
  op("grayscale", "Grayscale", "Basic", "Colour", "Red, green and blue to one intensity. Alpha stays.", "same", [choice("standard", "Standard", "The weights of the colours.", ["bt601", "bt709"], "bt601")]),
  op("invert", "Invert", "Basic", "Colour", "The negative: every sample becomes the largest value minus itself.", "same"),
  op("brightnessContrast", "Brightness and contrast", "Basic", "Colour", "Each sample's distance from mid-gray is multiplied by the contrast, then the brightness is added.", "same", [
    range("brightness", "Brightness", "What is added, as a fraction of the full range.", -1, 1, 0.1, { default: 0, step: 0.01 }),
    range("contrast", "Contrast", "The factor about mid-gray: 0 is flat, 1 changes nothing.", 0, 4, 1.2, { default: 1, step: 0.01 }),
  ]),
  op("sepia", "Sepia", "Basic", "Colour", "The brown of old photographs.", "same", [range("amount", "Amount", "From 0 (the colours as they were) to 1 (all sepia).", 0, 1, 1, { default: 1, step: 0.01 })]),
  op("gaussianBlur", "Gaussian blur", "Basic", "Filters", "Gaussian blur. With alpha, the premultiplied colours are blurred.", "scaled", [
    needed("sigma", "Sigma", "The standard deviation in pixels: 0.1 to 100.", 0.1, 100, 2, { unit: "px", logarithmic: true }),
    { name: "linear", label: "Linear light", help: "Whether light is averaged, as in a lens that is out of focus.", required: false, control: "switch", default: false, suggested: false },
  ]),
  op("sobel", "Sobel edges", "Basic", "Edges", "Edges: the magnitude of the gradient by the Sobel kernels.", "never", [
    choice("norm", "Norm", "How the two gradients make one number.", ["l2", "l1"], "l2"),
    range("scale", "Scale", "The factor on the magnitude.", 0.001, 100, 1, { default: 1, logarithmic: true }),
  ]),
  op("crop", "Crop", "Basic", "Geometry", "The pixels of a rectangle, all of which must lie inside the image.", "same", ["x", "y", "width", "height"].map((name) => ({ name, label: { x: "Left", y: "Top", width: "Width", height: "Height" }[name], help: "In pixels.", required: true, control: "integer", minimum: name.length === 1 ? 0 : 1, maximum: 1073741824, suggested: name.length === 1 ? 0 : 512 })), { drawn: "rectangle" }),
  op("resize", "Resize", "Basic", "Geometry", "To a width, a height, or both, in pixels, or by a scale.", "same", [
    { name: "width", label: "Width", help: "Pixels in a row of the result.", required: false, control: "size", minimum: 1, maximum: 1073741824, unit: "px" },
    { name: "height", label: "Height", help: "Rows of the result.", required: false, control: "size", minimum: 1, maximum: 1073741824, unit: "px" },
    range("scale", "Scale", "The factor for both sides.", 0.0001, 100, 0.5, { logarithmic: true }),
    choice("filter", "Filter", "How pixels are weighed.", ["nearest", "bilinear", "bicubic", "lanczos3", "area"], "lanczos3"),
  ]),
  op("rotate", "Rotate", "Basic", "Geometry", "Rotation by a right angle, two or three, clockwise.", "same", [{ ...choice("degrees", "Degrees", "The angle, clockwise.", [90, 180, 270]), required: true, suggested: 90, default: undefined }]),
  op("threshold", "Threshold", "Advanced", "Colour", "Samples above the value become the largest value and all others 0.", "same", [needed("value", "Value", "A level of the picture's own depth.", 0, 65535, 128, { step: 1 }), { name: "invert", label: "Invert", help: "The other way round.", required: false, control: "switch", default: false, suggested: false }]),
  op("equalize", "Equalise", "Advanced", "Colour", "The whole image's histogram is made even.", "same"),
  op("flatten", "Flatten", "Advanced", "Colour", "The image laid over a background of one colour, without alpha.", "same", [{ name: "background", label: "Background", help: "The colour behind transparent parts.", required: false, control: "color", default: [1], suggested: [1] }]),
  op("convolve", "Convolve", "Advanced", "Filters", "Correlation with a kernel: the sum of the weighted samples around each.", "scaled", [
    { name: "kernel", label: "Kernel", help: "The weights in rows from top to bottom.", required: true, control: "kernel", suggested: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]] },
    { name: "divisor", label: "Divisor", help: "What the sum is divided by.", required: false, control: "number", minimum: 0.001, maximum: 1000000, default: 1, suggested: 1 },
  ]),
  op("medianBlur", "Median", "Advanced", "Filters", "The middle one of the samples around each.", "scaled", [needed("radius", "Radius", "How far the square reaches in pixels.", 1, 7, 2, { unit: "px", step: 1 })]),
  op("erode", "Erode", "Advanced", "Morphology", "The smallest sample under the structuring element.", "scaled", [radius, shape]),
  op("dilate", "Dilate", "Advanced", "Morphology", "The largest sample under the structuring element.", "scaled", [radius, shape]),
];

const tile = { type: "integer", enum: [256, 512, 1024], default: 512, description: "Pixels on a side of a tile." };
const compression = { type: "string", enum: ["none", "deflate", "zstd", "lzw", "jpeg"], default: "deflate", description: "How the tiles are compressed." };
const quality = { type: "integer", minimum: 1, maximum: 100, default: 90, description: "From 1 (smallest) to 100 (best)." };

export const outputs = [
  { name: "jpeg", label: "JPEG", ext: "jpg", help: "Small files for photographs; loses a little.", schema: { type: "object", properties: { quality } } },
  { name: "png", label: "PNG", ext: "png", help: "Lossless, for every program.", schema: { type: "object", properties: {} } },
  { name: "webp", label: "WebP", ext: "webp", help: "Smaller than JPEG; for the web.", schema: { type: "object", properties: { quality, lossless: { type: "boolean", default: false, description: "Keeps every pixel." } } } },
  { name: "tiff", label: "TIFF", ext: "tif", help: "Lossless, with tiles, of any size.", schema: { type: "object", properties: { tile, compression, quality } } },
  { name: "cog", label: "TIFF with overviews (COG)", ext: "tif", help: "Opens at once in viewers, however large.", schema: { type: "object", properties: { tile, compression, quality } } },
];
