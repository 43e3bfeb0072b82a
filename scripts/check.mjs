// `npm run check`: types, lint and the fast tests, in seconds.
import { installDependencies, run } from "./install.mjs";

installDependencies();
run("node_modules/.bin/tsc", ["-b"]);
run("node_modules/.bin/biome", ["ci", "--error-on-warnings", "."]);
run(process.execPath, [
  "node_modules/mocha/bin/mocha.js",
  "--import=tsx",
  "--reporter=dot",
  "test/core/tidy.test.ts",
]);
