import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../../src/index.js";
import type { Program } from "../../src/ir/program.js";
import { verify } from "../../src/ir/verify.js";
import { schedule } from "../../src/schedule/schedule.js";
import { WASM_TARGET, WGSL_TARGET } from "../../src/schedule/targets.js";

/** The part of a program that an entry point needs, without the results of others. */
function withoutOthers(program: Program): Program {
  const isThere = ({ value }: { readonly value: number }): boolean => program.values.has(value);
  return {
    ...program,
    outputs: program.outputs.filter(isThere),
    gradients: program.gradients.filter(isThere),
    stateUpdates: program.stateUpdates.filter(isThere),
    trains: program.trains.map((t) => ({ ...t, updates: t.updates.filter(isThere) })),
  };
}

for (const file of readdirSync("test/models").filter((name) => name.endsWith(".grad")))
  test(`the program is well formed after each pass that schedules ${file}`, () => {
    const { program } = compile(readFileSync(`test/models/${file}`, "utf8"), { filename: file });
    if (!program) throw new Error(`${file} is wrong`);
    for (const target of [WASM_TARGET, WGSL_TARGET]) {
      const passes = new Set<string>();
      schedule(program, target, [], (pass, after) => {
        verify(withoutOthers(after), pass);
        passes.add(pass);
      });
      for (const name of ["stages-again", "lower-operators", "layout", "product-rows"])
        expect(passes, target.title).toContain(name);
    }
  });
