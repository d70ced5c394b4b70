#!/usr/bin/env node
import { main } from "./cli/main.js";

// Whoever reads the output may stop before its end: `gradc emit … | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
process.exitCode = await main(process.argv.slice(2));
