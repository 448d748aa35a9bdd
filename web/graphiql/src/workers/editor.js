// A file of ours for each worker: the bundler finds no workers inside packages.
import "monaco-editor/esm/vs/editor/editor.worker.js";
