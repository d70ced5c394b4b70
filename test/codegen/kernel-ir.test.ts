import { describe, expect, it } from "vitest";
import type { Kernel, Statement } from "../../src/schedule/kernel/ir.js";
import { printKernel } from "../../src/schedule/kernel/print.js";
import { verifyKernel } from "../../src/schedule/kernel/verify.js";
import {
  call,
  f,
  float,
  int,
  kernel,
  load,
  loop,
  reads,
  set,
  store,
  test,
  v,
  when,
  writes,
} from "./kernels.js";
import { guardedWindow } from "./kernels.js";

describe("Kernel IR as text", () => {
  it("has types where something is declared and brackets where they are needed", () => {
    expect(printKernel(guardedWindow)).toMatchInlineSnapshot(`
      "kernel k_blur(x: read f32, blur: write f32; N)
        // blur[u] = sum[p in 0..3] (x[u + p - 1] ?? 0)
        grid u < N {
          var acc: f32 = 0
          for p in 0..3 {
            acc = acc + (if 0 <= u + p - 1 and u + p - 1 < N then x[u + p - 1] else 0)
          }
          blur[u] = acc
        }
      "
    `);
  });
});

describe("the kernel verifier refuses", () => {
  const made = (...body: Statement[]): Kernel =>
    kernel("k", [reads("x"), writes("y")], { sizes: ["N"], grid: [["i", v("N")]] }, [
      ...body,
      store("y", v("i"), load("x", v("i"))),
    ]);
  it.each<[string, Kernel, string]>([
    [
      "a name outside its block",
      made(loop("k", int(2), []), store("y", v("k"), float(0))),
      "k is declared here",
    ],
    ["a name that hides another", made(loop("i", int(2), [])), "i is declared twice"],
    [
      "an assignment to a let",
      made({ kind: "let", name: "a", value: float(1) }, set("a", float(2))),
      "not a var",
    ],
    ["an undeclared buffer", made(store("z", int(0), float(0))), "the buffer is declared"],
    ["a store to what is read only", made(store("x", int(0), float(0))), "declared read and stored to"],
    [
      "a load from what is write only",
      made(store("y", int(0), load("y", int(0)))),
      "loaded from, but declared write",
    ],
    ["a value of another type", made(store("y", int(0), int(1))), "constant is i32, not f32"],
    ["a condition that is no bool", made(when(int(1), [])), "constant is i32, not bool"],
    ["operands of two types", made(store("y", int(0), f("add", float(1), int(1)))), "add(f32, i32) is f32"],
    ["an unknown function", made(store("y", int(0), f("frobnicate", float(1)))), "is a scalar function"],
    ["too few operands", made(store("y", int(0), f("add", float(1)))), "add of 1 operands"],
    [
      "a comparison that is no bool",
      made(store("y", int(0), f("lt", float(1), float(2)))),
      "lt(f32, f32) is f32",
    ],
    ["an integer that is none", made(store("y", int(0.5), float(1))), "0.5 is a i32"],
    [
      "a use before the declaration",
      made(when(test("lt", v("a", "f32"), float(1)), [])),
      "a is declared here",
    ],
  ])("%s", (_, bad, message) => {
    expect(() => verifyKernel(bad)).toThrow(message);
  });
  it("nothing that is right", () => {
    const right = call("not", "bool", test("eq", v("i"), int(0)));
    expect(() => verifyKernel(made(when(right, [])))).not.toThrow();
  });
});
