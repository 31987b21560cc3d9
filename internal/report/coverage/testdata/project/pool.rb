class Pool
  def share(blocks, tenants)
    return -1 if tenants.zero?

    if blocks > 100
      100
    else
      blocks / tenants
    end
  end

  def unused(n)
    n.times do |i|
      puts i
    end
  end
end
