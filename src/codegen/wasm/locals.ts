import type { Instruction, WasmFunction } from "./instruction.js";
import { parts } from "./instruction.js";

/** A list of instructions that runs as a whole: a function's body, a loop's, or what only some runs come to. */
interface Region {
  readonly kind: "all" | "loop" | "some";
  readonly begin: number;
  end: number;
}
/** From the first place at which a local's value counts to the last one. */
interface Life {
  readonly local: string;
  readonly begin: number;
  readonly end: number;
}
interface Mention {
  readonly at: number;
  readonly isSet: boolean;
  readonly within: readonly Region[];
}

/**
 * Locals whose values are never wanted at the same time become one: the binary is shorter, and what its functions have in
 * common shows. A local's first name is kept.
 */
export function shareLocals(fn: WasmFunction): WasmFunction {
  const mentions = mentionsIn(fn.body);
  const names = new Map<string, string>();
  const kept: WasmFunction["locals"][number][] = [];
  const types = new Set(fn.locals.map(({ type }) => type));
  for (const type of types) {
    const lives = fn.locals
      .filter((l) => l.type === type)
      .map(({ name }) => lifeOf(name, mentions.get(name) ?? []))
      .sort((a, b) => a.begin - b.begin || a.end - b.end);
    const rooms: { readonly name: string; until: number }[] = [];
    for (const { local, begin, end } of lives) {
      const free = rooms.find(({ until }) => until < begin);
      if (free) free.until = end;
      else {
        rooms.push({ name: local, until: end });
        kept.push({ name: local, type });
      }
      names.set(local, free?.name ?? local);
    }
  }
  return { ...fn, locals: kept, body: fn.body.map((i) => renamed(i, names)) };
}

function mentionsIn(body: readonly Instruction[]): ReadonlyMap<string, readonly Mention[]> {
  const found = new Map<string, Mention[]>();
  let at = 0;
  const region = (kind: Region["kind"], list: readonly Instruction[], outer: readonly Region[]): void => {
    const own: Region = { kind, begin: at, end: at };
    const within = [...outer, own];
    for (const i of list) walk(i, within);
    own.end = at;
  };
  const mention = (local: string, isSet: boolean, within: readonly Region[]): void => {
    const list = found.get(local) ?? [];
    list.push({ at: at++, isSet, within });
    found.set(local, list);
  };
  const walk = (i: Instruction, within: readonly Region[]): void => {
    switch (i.kind) {
      case "get":
        return mention(i.local, false, within);
      case "set":
      case "tee":
        walk(i.value, within);
        return mention(i.local, true, within);
      case "loop":
        return region("loop", i.body, within);
      case "block":
        return region("some", i.body, within);
      case "if":
        walk(i.condition, within);
        region("some", i.then, within);
        return region("some", i.else, within);
      default:
        for (const part of parts(i)) walk(part, within);
    }
  };
  region("all", body, []);
  return found;
}

/**
 * Where what holds all mentions begins by setting the local, its value is of that run alone; else it may be an earlier
 * iteration's, or the 0 that it begins with. What a loop reads that is set outside of it counts until the loop ends.
 */
function lifeOf(local: string, mentions: readonly Mention[]): Life {
  const first = mentions[0];
  const last = mentions.at(-1);
  if (!first || !last) return { local, begin: 0, end: 0 };
  const common = first.within.filter((region) => mentions.every(({ within }) => within.includes(region)));
  let { at: begin } = first;
  let { at: end } = last;
  for (const { within } of mentions)
    for (const region of within)
      if (region.kind === "loop" && !common.includes(region)) {
        begin = Math.min(begin, region.begin);
        end = Math.max(end, region.end);
      }
  // A loop's body runs once at least.
  const isOwn =
    first.isSet && first.within.every((region) => common.includes(region) || region.kind === "loop");
  if (!isOwn) {
    begin = 0;
    for (const region of common) if (region.kind === "loop") end = Math.max(end, region.end);
  }
  return { local, begin, end };
}

function renamed(i: Instruction, names: ReadonlyMap<string, string>): Instruction {
  const one = (inner: Instruction): Instruction => renamed(inner, names);
  switch (i.kind) {
    case "get":
      return { ...i, local: names.get(i.local) ?? i.local };
    case "set":
    case "tee":
      return { ...i, local: names.get(i.local) ?? i.local, value: one(i.value) };
    case "loop":
    case "block":
      return { ...i, body: i.body.map(one) };
    case "if":
      return { ...i, condition: one(i.condition), then: i.then.map(one), else: i.else.map(one) };
    case "op":
    case "call":
      return { ...i, args: i.args.map(one) };
    case "br":
      return i.condition ? { ...i, condition: one(i.condition) } : i;
    default:
      return i;
  }
}
