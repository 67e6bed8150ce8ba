// The pages of settings: everything on them is a form.
import "./forms.js";
