"""What dotscience costs, each figure beside its bar and a reference measured in the same run."""
