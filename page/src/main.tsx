// Where the page begins.

// First, so that the styles of views come behind the common ones.
import "./style/index.css";

import { render } from "preact";

import { Shell } from "./frame/shell";

const root = document.getElementById("page");
if (root) render(<Shell />, root);
