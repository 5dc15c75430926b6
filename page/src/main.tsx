// Where the page begins.

import { render } from "preact";

import { Shell } from "./frame/shell";
import "./style/index.css";

const root = document.getElementById("page");
if (root) render(<Shell />, root);
