"""A volume that is replicated between the hives by DRBD 9 (spec images-networks-volumes-services.md 3.5).

`observe` looks at every hive, `decide` says what may be done, and only then anything is done: a copy that holds data, or of which that is
not certain, is never formatted, never given new metadata and never removed by a build.
"""
