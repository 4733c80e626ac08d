// Runs the packages' own networks on TensorFlow.js's CPU backend, for record_model_references.py to compare with.
//
//     node tfjs_outputs.mjs NODE_MODULES PACKAGES FOLDER
//
// NODE_MODULES has @tensorflow/tfjs, PACKAGES the unpacked packages. FOLDER has an input for each network, NAME.input, as
// plain 32-bit numbers; each output is written beside it as NAME.OUTPUT.
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [modules, packages, folder] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(modules, "index.js"));
const tf = require("@tensorflow/tfjs");
await tf.setBackend("cpu");

/** The file below PACKAGES whose path ends so. */
const found = (end) => {
  const files = readdirSync(packages, { recursive: true }).map((path) => join(packages, path));
  const file = files.find((path) => path.endsWith("/" + end));
  if (!file) throw new Error(`no ${end} below ${packages}`);
  return file;
};

const input = (name, shape) => {
  const bytes = readFileSync(join(folder, `${name}.input`));
  return tf.tensor(new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), shape);
};

const write = (name, output, tensor) => writeFileSync(join(folder, `${name}.${output}`), Buffer.from(tensor.dataSync().buffer));

const bytesOf = (manifest, file) => {
  const parts = manifest.flatMap((group) => group.paths).map((path) => readFileSync(join(file, "..", path)));
  return new Uint8Array(Buffer.concat(parts)).buffer;
};

const graph = async (name, end, tensor, shape, outputs) => {
  const file = found(end);
  const json = JSON.parse(readFileSync(file));
  const model = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
      weightData: bytesOf(json.weightsManifest, file),
    }),
  );
  for (const [output, tensors] of Object.entries(outputs)) {
    // One output comes alone, several as a list.
    const parts = [model.execute({ [tensor]: input(name, shape) }, tensors)].flat();
    write(name, output, parts.length === 1 ? parts[0] : tf.concat(parts, 1));
  }
};

await graph("objects", "models/coco-ssd/model.json", "Preprocessor/sub", [1, 300, 300, 3], {
  boxes: ["Postprocessor/Reshape_2"],
  scores: ["Postprocessor/Slice"],
});
await graph("blazeface", "models/blazeface.json", "input", [1, 256, 256, 3], {
  scores: ["Identity", "Identity_1"],
  boxes: ["Identity_2", "Identity_3"],
});
await graph("facemesh", "models/facemesh.json", "input_1", [1, 192, 192, 3], {
  mesh: ["Identity_2"],
  flag: ["Identity_1"],
  contours: ["Identity"],
});

// face-api's build for Node.js asks for TensorFlow.js with native code; it gets the same CPU backend. Its networks take
// samples of 0 to 255 and subtract the mean themselves.
const Module = require("node:module");
const load = Module._load;
Module._load = (name, ...rest) => (name === "@tensorflow/tfjs-node" ? tf : load(name, ...rest));
const faceapi = require(found("dist/face-api.node.js"));
const mean = [122.782, 117.001, 104.298];
const face = (name, network, end) => {
  const file = found(end);
  const manifest = JSON.parse(readFileSync(file));
  const weights = tf.io.decodeWeights(bytesOf(manifest, file), manifest.flatMap((group) => group.weights));
  network.loadFromWeightMap(weights);
  const normalised = input(name, [1, 3, 112, 112]).transpose([0, 2, 3, 1]).dataSync();
  const samples = Float32Array.from(normalised, (value, at) => value * 255 + mean[at % 3]);
  return network.forward(tf.tensor4d(samples, [1, 112, 112, 3]));
};
const { age, gender } = await face("age-gender", new faceapi.AgeGenderNet(), "model/age_gender_model-weights_manifest.json");
write("age-gender", "age", age);
write("age-gender", "gender", gender);
const expressions = await face("expressions", new faceapi.FaceExpressionNet(), "model/face_expression_model-weights_manifest.json");
write("expressions", "expressions", expressions);
