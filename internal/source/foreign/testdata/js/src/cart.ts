import { add, type Money } from "./lib/money";
export { print } from "./print";
export function total(list: Money[]) { return list.reduce(add); }
