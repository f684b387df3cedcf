"""A second implementation of the Quire protocol, written from SPEC.md alone. It shares no code with the first one."""
