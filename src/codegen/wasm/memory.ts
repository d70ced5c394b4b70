import { invariant } from "../../diagnostics/invariant.js";
import type { DType } from "../../ir/expr.js";
import type { Kernel } from "../../schedule/kernel/ir.js";
import { plus } from "./affine.js";
import type { Instruction, Opcode } from "./instruction.js";
import { get, i32, op } from "./instruction.js";
import {
  eachLane,
  extract,
  gather,
  laneType,
  NotWidenable,
  scalarOf,
  scalarType,
  spread,
  uniform,
  vector,
  type Value,
} from "./values.js";
import type { FunctionWriter } from "./writer.js";

/** Loads and stores of a kernel's buffers: one element, vectors of neighbours, or lanes each at its own place. */
export class Memory {
  private readonly buffers: ReadonlyMap<string, Buffer>;
  constructor(
    kernel: Kernel,
    private readonly writer: FunctionWriter,
  ) {
    this.buffers = new Map(
      kernel.buffers.map(({ name, dtype }) => [name, { dtype, base: get(writer.ascii(name)) }]),
    );
  }

  load(buffer: string, index: Value): Value {
    const { writer } = this;
    const { dtype } = this.buffer(buffer);
    const scalar = (at: Instruction): Instruction => op(memoryOp(dtype, "load"), this.within(at));
    if (index.shape === "uniform") return uniform(scalar(this.address(buffer, index.node)), dtype);
    laneType(dtype);
    if (isStrided(index, dtype) && index.stride === 1) {
      const address = this.within(this.address(buffer, index.node));
      const at = writer.vectors > 1 ? writer.keep(address, "i32") : address;
      return vector(
        writer.perVector((k) => access("v128.load", 16 * k, at)),
        dtype,
      );
    }
    writer.found.gathers++;
    if (isStrided(index, dtype) && !writer.isGuarded) {
      const lane = this.strided(buffer, index);
      const nodes = writer.perVector((k) =>
        [1, 2, 3].reduce((v, l) => lane("v128.load32_lane", 4 * k + l, v), lane("v128.load32_zero", 4 * k)),
      );
      return vector(nodes, dtype);
    }
    const places = spread(index, writer.vectors).map((v) => writer.keep(v, "v128"));
    const nodes = places.map((place) =>
      gather(
        eachLane((lane) => scalar(this.address(buffer, extract(place, lane, "i32")))),
        dtype,
      ),
    );
    return vector(nodes, dtype);
  }

  store(buffer: string, index: Value, value: Value): void {
    const { writer } = this;
    const { dtype } = this.buffer(buffer);
    const scalar = (at: Instruction, node: Instruction): Instruction =>
      op(memoryOp(dtype, "store"), this.address(buffer, at), node);
    if (index.shape === "uniform") {
      if (writer.vectors > 0) throw new NotWidenable("all lanes store to one place");
      return writer.push(scalar(index.node, scalarOf(value)));
    }
    const nodes = spread(value, writer.vectors);
    if (isStrided(index, dtype) && index.stride === 1 && !writer.mask) {
      const at = writer.keep(this.address(buffer, index.node), "i32");
      return writer.pushAll(nodes.map((node, k) => access("v128.store", 16 * k, at, node)));
    }
    writer.found.gathers++;
    if (isStrided(index, dtype) && !writer.mask) {
      const storeLane = this.strided(buffer, index);
      nodes.forEach((node, k) => {
        const kept = writer.keep(node, "v128");
        writer.pushAll(eachLane((lane) => storeLane("v128.store32_lane", 4 * k + lane, kept)));
      });
      return;
    }
    const places = spread(index, writer.vectors).map((v) => writer.keep(v, "v128"));
    nodes.forEach((node, k) => {
      const kept = writer.keep(node, "v128");
      const keeps = writer.mask?.[k];
      const stores = eachLane((lane): Instruction => {
        const stored = scalar(extract(places[k] ?? i32(0), lane, "i32"), extract(kept, lane, dtype));
        return keeps
          ? { kind: "if", condition: extract(keeps, lane, "bool"), then: [stored], else: [] }
          : stored;
      });
      writer.pushAll(stores);
    });
  }

  /** Where an element is, in bytes. */
  address(buffer: string, index: Instruction): Instruction {
    const { base, dtype } = this.buffer(buffer);
    if (index.kind === "const" && index.value === 0) return base;
    const shift = { 1: 0, 4: 2, 8: 3 }[bytesOf(dtype)];
    return op("i32.add", base, shift ? op("i32.shl", index, i32(shift)) : index);
  }
  private buffer(name: string): Buffer {
    const found = this.buffers.get(name);
    invariant(found, `${name} is a buffer of the kernel`);
    return found;
  }

  /** Accesses of elements at a constant distance, counted from the first lane of the first vector. */
  private strided(
    buffer: string,
    { node, stride }: Affine,
  ): (name: LaneOp, lane: number, ...vector: Instruction[]) => Instruction {
    // Offsets are not negative: they count from the lowest element.
    const lowest = stride < 0 ? 4 * this.writer.vectors - 1 : 0;
    const at = this.writer.keep(this.address(buffer, plus("add", node, i32(lowest * stride))), "i32");
    return (name, lane, ...vector) => {
      const made = access(name, 4 * (lane - lowest) * stride, at, ...vector);
      return name === "v128.load32_zero" ? made : { ...made, lane: lane % 4 };
    };
  }

  /** Lanes that are not chosen may have any address: it is kept within the memory, and what is read is dropped. */
  private within(address: Instruction): Instruction {
    const { writer } = this;
    if (!writer.isGuarded) return address;
    // The highest address from which 64 bytes can be read.
    const bytes = op("i32.shl", op("memory.size"), i32(16));
    const limit = writer.preset("limit.", "i32", op("i32.sub", bytes, i32(64)));
    const at = writer.keep(address, "i32");
    return writer.keep(op("select", at, limit, op("i32.lt_u", at, limit)), "i32");
  }
}

/** Its address is that of its first element. */
interface Buffer {
  readonly dtype: DType;
  readonly base: Instruction;
}
type Affine = Value & { readonly shape: "affine" };
type LaneOp = "v128.load32_zero" | "v128.load32_lane" | "v128.store32_lane";

const access = (
  name: LaneOp | "v128.load" | "v128.store",
  offset: number,
  ...args: Instruction[]
): Instruction & { readonly kind: "op" } => ({ kind: "op", op: name, args, offset });
const isStrided = (index: Value, dtype: DType): index is Affine =>
  index.shape === "affine" && bytesOf(dtype) === 4;

function bytesOf(dtype: DType): 1 | 4 | 8 {
  return dtype === "bool" ? 1 : dtype === "f64" ? 8 : 4;
}
function memoryOp(dtype: DType, what: "load" | "store"): Opcode {
  if (dtype === "bool") return what === "load" ? "i32.load8_u" : "i32.store8";
  return `${scalarType(dtype)}.${what}`;
}
