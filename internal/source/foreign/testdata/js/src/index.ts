import { total } from "./cart";
import type { Money } from "./lib/money";
import _ from "lodash";
import fs from "node:fs";
export const main = async () => { const { print } = await import("./print"); print(total([] as Money[])); };
