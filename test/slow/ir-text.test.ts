import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { analyse } from "../../src/analyse.js";
import { expandDerivatives } from "../../src/autodiff/expand.js";
import { ExpressionTable } from "../../src/ir/expr.js";
import { parseProgram } from "../../src/ir/text/parse.js";
import { printProgram } from "../../src/ir/text/print.js";
import { optimize } from "../../src/optimize/index.js";
import { evaluated, readData } from "../evaluate.js";

const files = ["test/models", "test/programs"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".grad"))
    .map((name) => `${folder}/${name}`),
);

test.each(files)("%s read back from IR text computes the same numbers", (file) => {
  const data = readData(file.replace(".grad", ".data.json"));
  ExpressionTable.scoped(() => {
    const { program } = analyse(readFileSync(file, "utf8"), { filename: file, wrt: "all" });
    if (!program) throw new Error("the program is wrong");
    const derived = expandDerivatives(program);
    for (const stage of [derived, optimize(derived)])
      expect(evaluated(parseProgram(printProgram(stage)), data)).toEqual(evaluated(stage, data));
  });
});
