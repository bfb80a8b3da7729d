// The icons of the theme are a font. Its script of half a megabyte, which would draw them again, is left out.
