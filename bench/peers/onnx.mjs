// As much of ONNX's protobuf as a graph of float tensors takes: field numbers are those of onnx.proto3.

const concat = (parts) => Buffer.concat(parts);
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest ? low | 128 : low);
  } while (rest);
  return Buffer.from(bytes);
}
const number = (field, value) => concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => {
  const content = typeof value === "string" ? Buffer.from(value) : value;
  return concat([varint((field << 3) | 2), varint(content.length), content]);
};
const float = (field, value) => {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return concat([varint((field << 3) | 5), content]);
};
const FLOAT = 1;
const INT64 = 7;

function attribute(name, value) {
  const [field, type] = Array.isArray(value)
    ? [value.map((v) => number(8, v)), 7]
    : Number.isInteger(value)
      ? [[number(3, value)], 2]
      : [[float(2, value)], 1];
  return concat([bytes(1, name), ...field, number(20, type)]);
}
const described = (name, shape) => {
  const dims = shape.map((n) => bytes(1, number(1, n)));
  return concat([bytes(1, name), bytes(2, bytes(1, concat([number(1, FLOAT), bytes(2, concat(dims))])))]);
};

/** A graph, an operation after the other; values are names. */
export class Graph {
  #nodes = [];
  #constants = [];
  #inputs = [];
  #outputs = [];
  #next = 0;
  /** @param {Record<string, { shape: number[] }>} tensors float inputs by name */
  constructor(tensors) {
    for (const [name, { shape }] of Object.entries(tensors)) this.#inputs.push(described(name, shape));
  }
  /** The result of an operation of one result. Numbers among the operands become constants. */
  op(type, operands, attributes = {}) {
    const inputs = operands.map((x) => (typeof x === "number" ? this.constant(x) : x));
    const output = `v${this.#next++}`;
    this.#nodes.push(
      concat([
        ...inputs.map((name) => bytes(1, name)),
        bytes(2, output),
        bytes(4, type),
        ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
      ]),
    );
    return output;
  }
  constant(value) {
    return this.#constant([], FLOAT, new Float32Array([value]));
  }
  /** Axes and shapes. */
  integers(values) {
    return this.#constant([values.length], INT64, BigInt64Array.from(values, BigInt));
  }
  #constant(shape, type, data) {
    const name = `c${this.#next++}`;
    const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const dims = shape.map((n) => number(1, n));
    this.#constants.push(concat([...dims, number(2, type), bytes(8, name), bytes(9, raw)]));
    return name;
  }
  /** A result, under the name `out:NAME`, as inputs have theirs. */
  output(name, value, shape) {
    const output = `out:${name}`;
    this.#nodes.push(concat([bytes(1, value), bytes(2, output), bytes(4, "Identity")]));
    this.#outputs.push(described(output, shape));
  }
  /** The model's bytes, opset 18. */
  model() {
    const graph = concat([
      ...this.#nodes.map((n) => bytes(1, n)),
      bytes(2, "graph"),
      ...this.#constants.map((c) => bytes(5, c)),
      ...this.#inputs.map((i) => bytes(11, i)),
      ...this.#outputs.map((o) => bytes(12, o)),
    ]);
    return concat([number(1, 8), bytes(8, concat([bytes(1, ""), number(2, 18)])), bytes(7, graph)]);
  }
}
