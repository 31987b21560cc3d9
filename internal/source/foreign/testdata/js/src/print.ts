import { total } from "./cart";
const legacy = require("./lib/legacy.cjs");
export const print = (x: unknown) => console.log(x, total, legacy);
