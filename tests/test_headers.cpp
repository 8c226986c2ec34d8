// Nothing: a program whose precompiled headers the programs of tests share.
