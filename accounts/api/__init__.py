"""The API's own ground: what every address does alike (base), how it is described (schema), who one is (me)."""
