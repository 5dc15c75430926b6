// All words of the page by view. Another language is another folder beside `en` with the same shape.

export { frame as frameText } from "./en/frame";
export { alerts as alertsText } from "./en/alerts";
export { objectives as objectivesText } from "./en/objectives";
export { route as routeText, routes as routesText } from "./en/routes";
export { sources as sourcesText } from "./en/sources";
export { table as tableText } from "./en/table";
export { search as searchText, story as storyText } from "./en/search";
