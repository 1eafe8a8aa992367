import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["types/", "src/*.min.js"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-console": "error",
      "no-restricted-globals": ["error", "alert", "event", "name"],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    },
  },
  { files: ["test/**", "bundle.js"], languageOptions: { globals: globals.node } },
  {
    // For browsers that are older than modules: no word newer than 2009.
    files: ["src/legacy.js"],
    languageOptions: { ecmaVersion: 5, sourceType: "script" },
    rules: {
      "no-var": "off",
      "prefer-const": "off",
      // ES5 has no catch without a name.
      "no-unused-vars": ["error", { caughtErrors: "none" }],
    },
  },
];
