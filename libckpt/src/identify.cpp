// identify
