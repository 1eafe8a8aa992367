/** What a page loads: `<task-status>`. */
import { TaskStatusElement } from "./element.js";

TaskStatusElement.define();
