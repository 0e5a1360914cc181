import js from "@eslint/js";
import globals from "globals";

const rules = {
  ...js.configs.recommended.rules,
  "consistent-return": "error",
  curly: ["error", "multi-line"],
  eqeqeq: "error",
  "max-len": ["error", {code: 120}],
  "no-shadow": "error",
  "no-unused-vars": ["error", {args: "after-used"}],
  "no-use-before-define": ["error", {functions: false, classes: false, variables: false}],
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
  "prefer-template": "error",
  "preserve-caught-error": "off",  // an error here is a sentence for the visitor
  // State belongs to objects, not to modules: a module's `let` is everyone's.
  "no-restricted-syntax": ["error", {selector: "Program > VariableDeclaration[kind='let']", message: "Shared by all."}],
};
const page = ["mobile_style/web/static/*.js"];
const workers = ["mobile_style/web/static/sw.js", "mobile_style/web/static/worker.js"];

export default [
  {ignores: ["**/build/**", "**/.venv/**", "**/node_modules/**"]},
  {files: page, ignores: workers, languageOptions: {globals: globals.browser, sourceType: "module"}, rules},
  {
    files: workers,
    languageOptions: {globals: {...globals.worker, ...globals.serviceworker}, sourceType: "script"},
    rules,
  },
];
