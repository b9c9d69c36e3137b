"""One file for each measure. A measure knows no run and no network: tensors or arrays in, a number out."""
